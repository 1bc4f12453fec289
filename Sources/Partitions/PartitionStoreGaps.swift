import BrokerModel
import CommitLog
import RecordFormat

/// Offsets that an unclean start has skipped, as `__gaps` records them.
public struct GapEntry: Equatable, Sendable {
    public let partition: TopicPartition
    /// Another topic may have had the name before.
    public let topicID: UUIDBytes
    public let gap: OffsetGap

    public init(partition: TopicPartition, topicID: UUIDBytes, gap: OffsetGap) {
        self.partition = partition
        self.topicID = topicID
        self.gap = gap
    }

    /// The record's value. A topic's name has no character that JSON would escape.
    func json(at time: Timestamp) -> String {
        #"{"topic":"\#(partition.topic)","topic_id":"\#(topicID)","#
            + #""partition":\#(partition.partition),"#
            + #""first":\#(gap.first.rawValue),"last":\#(gap.last.rawValue),"#
            + #""time":\#(time.rawValue),"cause":"unclean-stop"}"#
    }
}

extension PartitionStore {
    public static let gapsTopicName = "__gaps"

    /// Records the gaps that this start has found, durably, in the topic `__gaps`, which is made
    /// for the first of them. A crash in between has a gap recorded twice, never not at all.
    @discardableResult
    public func recordGaps(
        now: StorageMoment,
        newTopicID: () -> UUIDBytes
    ) throws(TopicError) -> [GapEntry] {
        let found = partitions.flatMap { partition in
            partition.log.unrecordedGaps.map {
                GapEntry(partition: partition.name, topicID: partition.log.topicID, gap: $0)
            }
        }
        guard !found.isEmpty, let name = TopicName(Self.gapsTopicName) else { return [] }
        let topic: TopicEntry
        if let known = topics[name] {
            topic = entry(of: known)
        } else {
            topic = try createTopic(name, id: newTopicID(), partitions: 1, now: now)
        }
        let partition = TopicPartition(topic: name, partition: 0)
        guard let handle = topic.partition(0)?.handle, let log = self.partition(handle)?.log else {
            let known = offline.first { $0.name == partition }?.error
            throw .storage(.partition(partition, known ?? .closed))
        }
        do throws(CommitLogError) {
            try append(found, to: log, now: now.wallClock)
            for partition in partitions { try partition.log.gapsAreRecorded() }
        } catch {
            throw .storage(.partition(partition, error))
        }
        return found
    }

    private func append(
        _ entries: [GapEntry],
        to log: PartitionLog,
        now: Timestamp
    ) throws(CommitLogError) {
        var batch = RecordBatchBuilder()
        var bytes = ByteWriter()
        var key = ByteWriter()
        var value = ByteWriter()
        for entry in entries {
            key.removeAll()
            value.removeAll()
            key.writeUTF8(entry.partition.description)
            value.writeUTF8(entry.json(at: now))
            do throws(RecordFormatError) {
                try batch.append(timestamp: now, key: key.bytes, value: value.bytes)
            } catch {
                throw .malformedBatch(at: .zero)
            }
        }
        batch.sealUncompressed(into: &bytes)
        try log.append(bytes.mutableBytes, now: now)
        try log.sync()
    }
}
