import BrokerModel
import KafkaServer
import KafkaWire
import Testing

@Suite struct ProduceRefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let code: KafkaErrorCode
        var version: Int16 = 9
        var topic = "t"
        var partition: Int32 = 0
        var acks: Int16 = -1
        let batch: @Sendable (_ good: [UInt8]) throws -> [UInt8]?

        var testDescription: String { name }
    }

    private static let cases: [Case] = [
        Case(name: "no records", code: .invalidRecord) { _ in nil },
        Case(name: "empty records", code: .invalidRecord) { _ in [] },
        Case(name: "a cut batch", code: .invalidRecord) { Array($0.dropLast()) },
        Case(name: "two batches", code: .invalidRecord) { $0 + $0 },
        Case(name: "bytes behind the batch", code: .invalidRecord) { $0 + [0] },
        Case(name: "magic 1", code: .invalidRecord) { changed($0, 16, 1) },
        Case(name: "a wrong checksum", code: .corruptMessage) { batch in
            var batch = batch
            batch[batch.count - 1] ^= 0xff
            return batch
        },
        Case(name: "a base offset of its own", code: .invalidRecord) { changed($0, 7, 3) },
        Case(name: "a wrong record count", code: .invalidRecord) {
            ProducerBatch.changed($0, at: 57, to: [0, 0, 0, 9])
        },
        Case(name: "records that are none", code: .invalidRecord) {
            ProducerBatch.changed($0, at: 61, to: [0xff, 0xff])
        },
        Case(name: "control records", code: .invalidRecord) {
            ProducerBatch.changed($0, at: 22, to: [1 << 5])
        },
        Case(name: "an unknown codec", code: .unsupportedCompressionType) {
            ProducerBatch.changed($0, at: 22, to: [5])
        },
        Case(name: "zstd that is none", code: .invalidRecord) {
            ProducerBatch.changed($0, at: 22, to: [4])
        },
        Case(name: "zstd before version 7", code: .unsupportedCompressionType, version: 6) { _ in
            try ProducerBatch.make([[UInt8](repeating: 7, count: 500)], zstd: true)
        },
        Case(name: "LogAppendTime", code: .invalidTimestamp) {
            ProducerBatch.changed($0, at: 22, to: [1 << 3])
        },
        Case(name: "a producer id without a sequence", code: .invalidRecord) {
            ProducerBatch.changed($0, at: 43, to: [0, 0, 0, 0, 0, 0, 0, 1])
        },
        Case(name: "over max.message.bytes", code: .messageTooLarge, topic: "small") { _ in
            try ProducerBatch.make([[UInt8](repeating: 7, count: 1_001)])
        },
        Case(name: "over segment.bytes", code: .recordListTooLarge, topic: "short") { _ in
            try ProducerBatch.make([[UInt8](repeating: 7, count: 1 << 16)])
        },
        Case(name: "an internal topic", code: .invalidTopic, topic: "__own") { $0 },
        Case(name: "an unknown topic", code: .unknownTopicOrPartition, topic: "u") { $0 },
        Case(name: "no topic name", code: .unknownTopicOrPartition, topic: "a/b") { $0 },
        Case(name: "an unknown id", code: .unknownTopicID, version: 13) { $0 },
        Case(name: "an unknown partition", code: .unknownTopicOrPartition, partition: 1) { $0 },
        Case(name: "a negative partition", code: .unknownTopicOrPartition, partition: -1) { $0 },
        Case(name: "acks=2", code: .invalidRequiredAcks, acks: 2) { $0 },
        Case(name: "acks=-2", code: .invalidRequiredAcks, acks: -2) { $0 },
    ]

    private static func changed(_ batch: [UInt8], _ position: Int, _ byte: UInt8) -> [UInt8] {
        var batch = batch
        batch[position] = byte
        return batch
    }

    @Test(arguments: cases)
    func `what Kafka refuses is refused with its error, and a sentence`(bad: Case) throws {
        let broker = try ProducingBroker([
            "t": .init(), "__own": .init(),
            "small": .init(overrides: ["max.message.bytes": "1000"]),
            "short": .init(overrides: ["segment.bytes": "65536"]),
        ])
        let client = try broker.connect()
        let good = try ProducerBatch.make()
        let answer = try client.produce(
            try bad.batch(good),
            to: bad.topic,
            id: UUIDBytes(high: 9, low: 9),
            acks: bad.acks,
            partition: bad.partition,
            bad.version
        )
        #expect(answer.errorCode == bad.code)
        #expect(answer.baseOffset == Offset(-1))
        #expect(bad.version < 8 || answer.errorMessage?.isEmpty == false)
        #expect(broker.counters.batchesRefused.count == 1)
        #expect(broker.reports.all.count == 1)
        #expect(broker.memory.used == .zero)
        // The connection goes on, and nothing of the batch was stored.
        #expect(try client.produce(good).baseOffset == .zero)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `damaged requests never trap, and never reach the log`(seed: UInt64) throws {
        let broker = try ProducingBroker()
        var random = SeededDamage(seed: seed)
        let good = try ProducerBatch.make([[1, 2, 3], [4, 5, 6]])
        for _ in 0..<20 {
            let client = try broker.connect()
            let bad = random.damage(good)
            guard bad != good else { continue }
            let answer = try client.produce(bad)
            // Outside of its checksum a batch has its base offset and leader epoch.
            let isHarmless = Array(bad[0..<12] + bad[16...]) == Array(good[0..<12] + good[16...])
            #expect((answer.errorCode == .none) == isHarmless, "seed \(seed)")
        }
    }
}

/// Flips a few bytes.
private struct SeededDamage {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    private mutating func next(_ bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(bound))
    }

    mutating func damage(_ bytes: [UInt8]) -> [UInt8] {
        var damaged = bytes
        for _ in 0...next(3) { damaged[next(damaged.count)] ^= UInt8(1 << next(8)) }
        return damaged
    }
}
