import BrokerModel
import KafkaWire
import Testing

@Suite struct FetchResponseTests {
    private static let idHex = "0000000000000001 0000000000000002"
    private static let marks = "0000000000000009 0000000000000009"  // high watermark, last stable
    private static let logStart = "0000000000000002"

    @Test(
        arguments: [
            (4, "00000000 00000001 0001 74 00000001 00000003 0000 \(marks) ffffffff 00000002 abcd"),
            (
                5,
                """
                00000000 00000001 0001 74 00000001
                00000003 0000 \(marks) \(logStart) ffffffff 00000002 abcd
                """
            ),
            (
                7,
                """
                00000000 0000 00000000 00000001 0001 74 00000001
                00000003 0000 \(marks) \(logStart) ffffffff 00000002 abcd
                """
            ),
            (
                11,
                """
                00000000 0000 00000000 00000001 0001 74 00000001
                00000003 0000 \(marks) \(logStart) ffffffff ffffffff 00000002 abcd
                """
            ),
            (
                12,
                """
                00000000 0000 00000000 02 02 74 02
                00000003 0000 \(marks) \(logStart) 00 ffffffff 03 abcd 00 00 00
                """
            ),
            (
                13,
                """
                00000000 0000 00000000 02 \(idHex) 02
                00000003 0000 \(marks) \(logStart) 00 ffffffff 03 abcd 00 00 00
                """
            ),
            (
                18,
                """
                00000000 0000 00000000 02 \(idHex) 02
                00000003 0000 \(marks) \(logStart) 00 ffffffff 03 abcd 00 00 00
                """
            ),
        ] as [(Int16, String)]
    )
    func `a response is read and written to the byte`(version: Int16, text: String) throws {
        try hex(text).withUnsafeBytes { input in
            var reader = ByteReader(input)
            let response = try FetchResponse(reading: &reader, version: version)
            #expect(reader.isAtEnd)
            let topic = try #require(response.topics.first)
            #expect(topic.name == (version <= 12 ? "t" : ""))
            #expect(topic.id == (version >= 13 ? UUIDBytes(high: 1, low: 2) : .zero))
            let partition = try #require(topic.partitions.first)
            var head = FetchResponse.PartitionHead(index: 3)
            head.highWatermark = Offset(9)
            head.lastStableOffset = Offset(9)
            head.logStartOffset = version >= 5 ? Offset(2) : Offset(-1)
            #expect(partition.head == head)
            #expect(partition.records.map { [UInt8]($0) } == [0xab, 0xcd])
            #expect(written { response.write(to: &$0, version: version) } == hex(text))
        }
    }

    @Test func `errors carry the leader and its address in tagged fields`() throws {
        let text = """
            00000007 0000 00000000 02 \(Self.idHex) 02
            00000003 004a \(Self.marks) \(Self.logStart)
            02 0000000000000005 0000000000000006 00 ffffffff 01
            03 00 0d 00000001 0000000000000004 00
            01 09 00000001 00000008 00
            02 0d 0000000000000003 00000002 00 00
            01 00 0e 02 00000001 03 6262 00002384 00 00
            """
        try hex(text).withUnsafeBytes { input in
            var reader = ByteReader(input)
            let response = try FetchResponse(reading: &reader, version: 16)
            #expect(reader.isAtEnd)
            let head = try #require(response.topics.first?.partitions.first?.head)
            #expect(head.errorCode == .fencedLeaderEpoch)
            #expect(head.abortedTransactions == [.init(producerID: 5, firstOffset: Offset(6))])
            #expect(head.divergingEpoch == .init(epoch: LeaderEpoch(1), endOffset: Offset(4)))
            #expect(head.currentLeader == .init(leaderID: 1, leaderEpoch: LeaderEpoch(8)))
            #expect(head.snapshotID == .init(epoch: LeaderEpoch(2), endOffset: Offset(3)))
            #expect(response.endpoints == [.init(id: 1, host: "bb", port: 9092)])
            #expect(written { response.write(to: &$0, version: 16) } == hex(text))
        }
    }

    @Test(arguments: [0, 1, 126, 127, 128, 16_382, 16_383, 16_384, 2_097_150, 2_097_151, 2_200_000])
    func `records of every size get the shortest length and stay whole`(size: Int) throws {
        let records = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        var output = ByteWriter()
        var writer = FetchResponseWriter(version: 12)
        let head = FetchResponse.PartitionHead(index: 0)
        writer.begin(topicCount: 1, to: &output)
        writer.beginTopic(name: "t", id: .zero, partitionCount: 2, to: &output)
        for _ in 0..<2 {
            writer.beginPartition(head, to: &output)
            output.writeBytes(records)
            writer.endPartition(head, to: &output)
        }
        writer.endTopic(to: &output)
        writer.end(to: &output)

        let varint = written { $0.writeUnsignedVarint(UInt32(size + 1)) }
        let expected = 10 + 1 + 2 + 1 + 2 * (4 + 2 + 24 + 1 + 4 + varint.count + size + 1) + 2
        #expect(output.count == expected)
        var reader = ByteReader(output.bytes)
        let response = try FetchResponse(reading: &reader, version: 12)
        #expect(reader.isAtEnd)
        let partitions = try #require(response.topics.first?.partitions)
        #expect(partitions.count == 2)
        for partition in partitions {
            #expect(partition.records?.elementsEqual(records) == true)
        }
    }

    @Test(arguments: [7, 12, 18] as [Int16], [0, 1, 126, 127, 128, 300])
    func `counts that are known late give the same bytes`(version: Int16, count: Int) {
        let head = FetchResponse.PartitionHead(index: 5)
        let records: [UInt8] = [1, 2, 3]
        let known = written { output in
            var writer = FetchResponseWriter(version: version)
            writer.begin(topicCount: count, to: &output)
            for _ in 0..<count {
                writer.beginTopic(name: "t", id: .zero, partitionCount: count, to: &output)
                for _ in 0..<count { write(head, records, &writer, &output) }
                writer.endTopic(to: &output)
            }
            writer.end(to: &output)
        }
        let late = written { output in
            var writer = FetchResponseWriter(version: version)
            writer.begin(topicCount: nil, to: &output)
            for _ in 0..<count {
                writer.beginTopic(name: "t", id: .zero, partitionCount: nil, to: &output)
                for _ in 0..<count {
                    write(head, records, &writer, &output)
                    write(head, [9, 9], &writer, &output)
                    writer.dropPartition(from: &output)
                }
                writer.endTopic(partitionCount: count, to: &output)
                writer.beginTopic(name: "dropped", id: .zero, partitionCount: nil, to: &output)
                write(head, records, &writer, &output)
                writer.dropTopic(from: &output)
            }
            writer.setTopicCount(count, in: &output)
            writer.end(to: &output)
        }
        #expect(known == late)
    }

    private func write(
        _ head: FetchResponse.PartitionHead,
        _ records: [UInt8],
        _ writer: inout FetchResponseWriter,
        _ output: inout ByteWriter
    ) {
        writer.beginPartition(head, to: &output)
        output.writeBytes(records)
        writer.endPartition(head, to: &output)
    }
}
