import BrokerModel
import KafkaWire
import Testing

@Suite struct ProduceTests {
    private static let idHex = "0000000000000001 0000000000000002"

    @Test(
        arguments: [
            (3, "ffff ffff 00007530 00000001 0001 74 00000001 00000003 00000002 abcd"),
            (8, "ffff ffff 00007530 00000001 0001 74 00000001 00000003 00000002 abcd"),
            (9, "00 ffff 00007530 02 02 74 02 00000003 03 abcd 00 00 00"),
            (12, "00 ffff 00007530 02 02 74 02 00000003 03 abcd 00 00 00"),
            (13, "00 ffff 00007530 02 \(idHex) 02 00000003 03 abcd 00 00 00"),
        ] as [(Int16, String)]
    )
    func `a request is read and written to the byte`(version: Int16, text: String) throws {
        try hex(text).withUnsafeBytes { input in
            var reader = ByteReader(input)
            let request = try ProduceRequest(reading: &reader, version: version)
            #expect(reader.isAtEnd)
            #expect(request.transactionalID == nil)
            #expect(request.acks == -1)
            #expect(request.timeoutMilliseconds == 30_000)
            let topic = try #require(request.topics.first)
            #expect(topic.name == (version <= 12 ? "t" : ""))
            #expect(topic.id == (version >= 13 ? UUIDBytes(high: 1, low: 2) : .zero))
            #expect(topic.partitions.first?.index == 3)
            #expect(topic.partitions.first?.records.map { [UInt8]($0) } == [0xab, 0xcd])
            #expect(written { request.write(to: &$0, version: version) } == hex(text))
        }
    }

    private static let places = "0000000000000004 0000000000000005"  // base offset, append time

    @Test(
        arguments: [
            (3, "00000001 0001 74 00000001 00000003 001d \(places) 00000009"),
            (5, "00000001 0001 74 00000001 00000003 001d \(places) 0000000000000006 00000009"),
            (
                8,
                """
                00000001 0001 74 00000001 00000003 001d \(places) 0000000000000006
                00000001 00000007 ffff 0001 6d 00000009
                """
            ),
            (
                9,
                """
                02 02 74 02 00000003 001d \(places) 0000000000000006
                02 00000007 00 00 02 6d 00 00 00000009 00
                """
            ),
            (
                10,
                """
                02 02 74 02 00000003 001d \(places) 0000000000000006
                02 00000007 00 00 02 6d 01 00 09 00000001 00000008 00 00
                00000009 01 00 0d 02 00000001 02 68 00002384 00 00
                """
            ),
            (
                13,
                """
                02 \(idHex) 02 00000003 001d \(places) 0000000000000006
                02 00000007 00 00 02 6d 01 00 09 00000001 00000008 00 00
                00000009 01 00 0d 02 00000001 02 68 00002384 00 00
                """
            ),
        ] as [(Int16, String)]
    )
    func `a response is read and written to the byte`(version: Int16, text: String) throws {
        let response = try readAll(hex(text)) {
            try ProduceResponse(reading: &$0, version: version)
        }
        var partition = ProduceResponse.Partition(index: 3)
        partition.errorCode = .topicAuthorizationFailed
        partition.baseOffset = Offset(4)
        partition.logAppendTime = Timestamp(milliseconds: 5)
        if version >= 5 { partition.logStartOffset = Offset(6) }
        if version >= 8 {
            partition.recordErrors = [.init(index: 7, message: nil)]
            partition.errorMessage = "m"
        }
        if version >= 10 {
            partition.currentLeader = .init(leaderID: 1, leaderEpoch: LeaderEpoch(8))
        }
        let topic =
            version <= 12
            ? ProduceResponse.Topic(name: "t", partitions: [partition])
            : ProduceResponse.Topic(id: UUIDBytes(high: 1, low: 2), partitions: [partition])
        var expected = ProduceResponse(topics: [topic])
        expected.throttleMilliseconds = 9
        if version >= 10 { expected.endpoints = [.init(id: 1, host: "h", port: 9092)] }
        #expect(response == expected)
        #expect(written { response.write(to: &$0, version: version) } == hex(text))
    }
}
