import BrokerModel
import Partitions

/// One loop's queues, by what they write to. A queue stays with its partition while it is busy, and
/// after that as long as there are few.
final class PartitionQueues {
    /// Queues that stay with their partitions while they have nothing to do.
    private static let idleMax = 256
    /// What a record of the broker's own may take, however small the segments of other topics are.
    private static let ownRecordBytesMin = ByteCount.mebibytes(1)
    /// How many of them keep the memory of a large batch.
    private static let largeMax = 16

    private let settings: IngestSettings
    private var queues: [PartitionHandle: PartitionQueue] = [:]

    init(settings: IngestSettings) {
        self.settings = settings
    }

    subscript(partition: PartitionHandle) -> PartitionQueue? { queues[partition] }

    /// The queue of a partition of the broker's own, which no route writes to.
    func queue(of partition: PartitionHandle) -> PartitionQueue {
        if let known = queues[partition] { return known }
        let queue = make(partition, of: nil, number: 0)
        queue.fit(recordBytes: max(settings.recordBytesMax, Self.ownRecordBytesMin))
        return queue
    }

    /// The queue of a topic's partition; nil when that is offline.
    func attach(_ topic: RouteTopic, _ number: Int) -> PartitionQueue? {
        guard let handle = topic.handles[number] else { return nil }
        // One that was detached may still wait for answers, which find it by this handle.
        let queue = queues[handle] ?? make(handle, of: topic, number: number)
        queue.attach(to: topic)
        topic.queues[number] = queue
        return queue
    }

    private func make(
        _ partition: PartitionHandle,
        of topic: RouteTopic?,
        number: Int
    ) -> PartitionQueue {
        let queue = PartitionQueue(
            partition,
            of: topic,
            number: number,
            settings: settings,
            memoryKept: queues.count < Self.largeMax ? .kibibytes(256) : .kibibytes(16)
        )
        queues[partition] = queue
        return queue
    }

    /// Lets an idle queue go where there are many, or where its topic has gone.
    func dismiss(_ queue: PartitionQueue) {
        guard queue.isIdle, !queue.isListed else { return }
        guard queue.isDetached || queues.count > Self.idleMax else { return }
        queue.topic?.queues[queue.number] = nil
        queue.detach()
        queues[queue.partition] = nil
    }

    /// The topic is gone, or has other partitions now. Its queues finish what they have.
    func detach(_ topic: RouteTopic) {
        for case let queue? in topic.queues {
            queue.detach()
            dismiss(queue)
        }
        topic.queues = Array(repeating: nil, count: topic.queues.count)
    }
}
