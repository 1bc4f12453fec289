import BrokerModel
import Foundation
import KafkaSessions
import RecordFormat
import Testing

/// A partition of `__consumer_offsets` that Apache Kafka 4.3 wrote. It lies outside the repository:
/// in `$HEADWATER_SHARED` or `../shared`.
@Suite struct KafkaOffsetsSegmentTests {
    static let segment: URL? = {
        let environment = ProcessInfo.processInfo.environment["HEADWATER_SHARED"]
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let shared = environment.map { URL(filePath: $0) } ?? root.appending(path: "../shared")
        let file = shared.appending(
            path: "kafka-segments/__consumer_offsets-49/00000000000000000000.log"
        ).standardizedFileURL
        return FileManager.default.fileExists(atPath: file.path) ? file : nil
    }()

    @Test(.enabled(if: segment != nil, "no ../shared/kafka-segments here"))
    func `Kafka's own records read as a group's life, and are written the same`() throws {
        let segment = try #require(Self.segment)
        var found: [GroupRecord] = []
        let file = [UInt8](try Data(contentsOf: segment))
        try file.withUnsafeBytes { bytes in
            var decompressor = RecordDecompressor()
            var position = 0
            while let batch = try RecordBatchView.first(
                in: UnsafeRawBufferPointer(rebasing: bytes[position...])
            ) {
                position += batch.sizeInBytes.rawValue
                var cursor = try batch.records(decompressor: &decompressor, limit: .mebibytes(1))
                while let record = try cursor.next() {
                    let key = try #require(record.key)
                    let meaning = try GroupRecord(key: key, value: record.value)
                    found.append(meaning)
                    expectSame(meaning, key: key, value: record.value)
                }
            }
        }
        let member = "rdkafka-d0c0e8ae-4ddf-4734-9ac1-d0d0af206da1"
        #expect(found.count == 4)
        guard case .group(let created) = found[0], case .group(let stable) = found[1],
            case .offset(let group, let topic, let partition, let offset) = found[2],
            case .group(let empty) = found[3]
        else {
            Issue.record("\(found)")
            return
        }
        #expect(created.groupID == "golden-group" && created.generation == 0)
        #expect(created.protocolType == nil && created.members.isEmpty)
        #expect(stable.generation == 1 && stable.protocolName == "range" && stable.leader == member)
        #expect(stable.members.map(\.memberID) == [member])
        #expect(stable.members.first?.sessionTimeout == 6_000)
        #expect(stable.members.first?.rebalanceTimeout == 300_000)
        #expect((group, topic, partition) == ("golden-group", "kcat-none", 0))
        #expect(offset.offset == Offset(20) && offset.leaderEpoch == .zero)
        #expect(offset.topicID?.low == 0x9182_a901_7f6d_9d82)
        #expect(empty.generation == 2 && empty.protocolType == "consumer" && empty.leader == nil)
        #expect(empty.stateTimestamp == Timestamp(milliseconds: 0x01a1_fc54_5ca4))
    }

    private func expectSame(
        _ meaning: GroupRecord,
        key: UnsafeRawBufferPointer,
        value: UnsafeRawBufferPointer?
    ) {
        var ourKey = ByteWriter()
        var ourValue = ByteWriter()
        #expect(meaning.write(key: &ourKey, value: &ourValue) == (value != nil))
        #expect([UInt8](ourKey.bytes) == [UInt8](key))
        if let value { #expect([UInt8](ourValue.bytes) == [UInt8](value)) }
    }
}
