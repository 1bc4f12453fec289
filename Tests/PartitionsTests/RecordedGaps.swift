import BrokerModel
import CommitLog
import Foundation
import Partitions
import RecordFormat

/// P2 in a topic that is not durable: what was lost is never given again, and is in the list that
/// operators see.
enum RecordedGaps {
    struct Entry: Decodable, Hashable {
        let topic: String
        let topicID: String
        let partition: Int32
        let first: Int64
        let last: Int64
        let cause: String

        enum CodingKeys: String, CodingKey {
            case topicID = "topic_id"
            case topic, partition, first, last, cause
        }
    }

    /// `stored` is what the log holds from its start. The history goes on behind the gap.
    static func check(
        _ history: PartitionHistory,
        of name: TopicPartition,
        _ topicID: UUIDBytes,
        stored: UnsafeRawBufferPointer,
        highWatermark: Offset,
        recorded: Set<Entry>
    ) throws(Violation) {
        guard highWatermark >= history.seen else {
            throw Violation(
                promise: .p2,
                what: "seen up to \(history.seen.rawValue), but \(name) goes on at "
                    + "\(highWatermark.rawValue)"
            )
        }
        guard let kept = history.end(ofBytes: stored.count) else {
            throw Violation(promise: .p2, what: "\(name) holds what nobody appended there")
        }
        let sealed = history.bytes(below: max(history.acknowledged, history.logStart))
        guard history.bytes(below: history.logStart) + stored.count >= sealed else {
            throw Violation(promise: .p1, what: "\(name) lost what a clean stop had sealed")
        }
        history.cut(to: kept)
        guard highWatermark > kept else { return }
        var known = kept.rawValue
        while known < highWatermark.rawValue,
            let entry = recorded.first(where: {
                $0.topicID == topicID.description && $0.partition == name.partition
                    && $0.first <= known && $0.last >= known
            })
        {
            known = entry.last + 1
        }
        guard known == highWatermark.rawValue else {
            throw Violation(
                promise: .p2,
                what: "\(name) skips from \(kept.rawValue) to \(highWatermark.rawValue), and no "
                    + "gap is recorded from \(known) on"
            )
        }
        history.skip(to: highWatermark)
    }

    static func read(from store: PartitionStore) throws -> Set<Entry> {
        guard let name = TopicName(PartitionStore.gapsTopicName),
            let handle = store.handle(of: TopicPartition(topic: name, partition: 0)),
            let log = store.partition(handle)?.log
        else { return [] }
        var bytes = ByteWriter()
        var next = log.reader.logStartOffset
        while next < log.highWatermark {
            next = try log.reader.read(
                from: next,
                maxBytes: .mebibytes(1),
                minOneBatch: true,
                into: &bytes
            ).nextOffset
        }
        var entries: Set<Entry> = []
        var position = 0
        var decompressor = RecordDecompressor()
        while position < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes.bytes[position...])
            guard let batch = try RecordBatchView.first(in: rest) else { break }
            var records = try batch.records(decompressor: &decompressor, limit: .mebibytes(1))
            while let record = try records.next() {
                guard let value = record.value else { continue }
                entries.insert(try JSONDecoder().decode(Entry.self, from: Data(value)))
            }
            position += batch.sizeInBytes.rawValue
        }
        return entries
    }
}
