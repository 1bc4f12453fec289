import BrokerModel
import KafkaWire
import Testing

@Suite struct ProduceSkipTests {
    @Test(arguments: 3...13 as ClosedRange<Int16>)
    func `a request in pieces of any size names all its partitions`(version: Int16) throws {
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let topics = Self.topics(&random, version)
            let request = Self.request(topics, version)
            let skip = try #require(try walk(request, version, &random), "seed \(seed)")
            #expect(skip.bytesLeft == 0 && skip.acks == -1, "seed \(seed)")
            #expect(skip.topics == topics, "seed \(seed)")
            #expect(
                skip.partitionCount == topics.reduce(0) { $0 + $1.partitions.count },
                "seed \(seed)"
            )
        }
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `damaged requests never trap, and never ask for what cannot come`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for version in [3, 9, 13] as [Int16] {
            let request = Self.request(Self.topics(&random, version), version)
            for _ in 0..<40 {
                let damaged =
                    Bool.random(using: &random)
                    ? random.damage(request) : random.flipBit(request)
                _ = try? walk(damaged, version, &random)
                let end = Int.random(in: 0...damaged.count, using: &random)
                _ = try? walk(Array(damaged[..<end]), version, &random)
            }
        }
    }

    @Test func `more partitions than a gateway has use for are refused`() throws {
        var random = SeededRandom(seed: 1)
        let topics = [TopicBlock<Int32>(name: "t", partitions: Array(0..<10_001))]
        let request = Self.request(topics, 9)
        #expect(throws: KafkaWireError.tooManyElements(10_001)) { try walk(request, 9, &random) }
    }

    /// Feeds the request as a connection does: what was not taken is shown again with more.
    private func walk(
        _ request: [UInt8],
        _ version: Int16,
        _ random: inout SeededRandom
    ) throws -> ProduceSkip? {
        try request.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            var skip = try ProduceSkip(
                reading: &reader,
                version: version,
                bytesLeft: bytes.count
            )
            var taken = reader.position
            var shown = taken
            while skip.bytesLeft > 0 {
                guard shown < bytes.count else { return nil }
                let more = Int.random(in: 1...9_000, using: &random)
                let wanted = min(skip.bytesLeft, ProduceSkip.pieceBytesMax)
                shown = min(bytes.count, max(shown + more, shown > taken ? taken + wanted : 0))
                taken += try skip.take(UnsafeRawBufferPointer(rebasing: bytes[taken..<shown]))
                #expect(taken <= shown && taken + skip.bytesLeft == bytes.count)
            }
            return skip
        }
    }

    private static func topics(
        _ random: inout SeededRandom,
        _ version: Int16
    ) -> [TopicBlock<Int32>] {
        (0..<Int.random(in: 1...4, using: &random)).map { number in
            let partitions = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                Int32.random(in: 0...1_000, using: &random)
            }
            return TopicBlock(
                name: version >= 13 ? "" : "topic-\(number)",
                id: version >= 13 ? UUIDBytes(high: 7, low: UInt64(number)) : .zero,
                partitions: partitions
            )
        }
    }

    /// Records of very different sizes, none among them.
    private static func request(_ topics: [TopicBlock<Int32>], _ version: Int16) -> [UInt8] {
        let records = [UInt8](repeating: 0xab, count: 30_000)
        return records.withUnsafeBytes { records in
            let request = ProduceRequest(
                acks: -1,
                timeoutMilliseconds: 1_000,
                topics: topics.map { topic in
                    let partitions = topic.partitions.map { index in
                        ProduceRequest.Partition(
                            index: index,
                            records: index % 7 == 0 || index > 1_000
                                ? nil : .init(rebasing: records[..<(Int(index) * 30)])
                        )
                    }
                    return .init(name: topic.name, id: topic.id, partitions: partitions)
                }
            )
            return written { request.write(to: &$0, version: version) }
        }
    }
}
