import BrokerModel
import CommitLog
import Partitions

// Topics that are not there yet.
extension IngestLane {
    func wait(
        _ record: EncodedRecord,
        in topic: RouteTopic,
        at time: Timestamp,
        _ waiter: RecordWaiter
    ) -> Bool {
        guard fits(record, settings.recordBytesMax) else { return false }
        topic.waiting?.append(record, at: time, waiter)
        let room = record.size &+ PartitionQueue.recordOverhead
        if topic.waiting?.reservation.reserve(room, from: pool) == false { isFull = true }
        return true
    }

    func answered(_ topic: RouteTopic, _ outcome: Result<TopicEntry, TopicError>) {
        switch outcome {
        case .success(let entry):
            counters.topicsCreated.add()
            report(.topicCreated(topic.name, partitions: entry.partitions.count))
            arrived(topic, entry)
        case .failure(.exists(let entry)): arrived(topic, entry)
        case .failure(let error):
            counters.creationsFailed.add()
            report(.creationFailed(topic.name, error))
            router.failed(topic)
            failWaiting(of: topic, error.asCommitLogError(topic.name))
        }
        roomMayHaveReturned()
    }

    private func arrived(_ topic: RouteTopic, _ entry: TopicEntry) {
        guard router.created(topic, entry) else {
            return failWaiting(of: topic, .closed)
        }
        guard let waiting = topic.waiting.take() else { return }
        pool.release(ByteCount(waiting.reservation.reserved))
        waiting.forEach { record, encoded in
            let isStored = add(
                encoded,
                nil,
                to: topic,
                at: record.timestamp,
                record.waiter
            )
            // The topic that was there already has smaller segments than those of its route.
            if !isStored { _ = fail(record.waiter) }
        }
        if isFlushing { burstEnded() }
    }

    private func failWaiting(of topic: RouteTopic, _ error: CommitLogError) {
        guard let waiting = topic.waiting.take() else { return }
        pool.release(ByteCount(waiting.reservation.reserved))
        let tokens = waiting.records.compactMap(\.waiter.token)
        counters.dropped.add(waiting.records.count - tokens.count)
        tell(tokens, waiting.records.compactMap(\.waiter.ticket), error)
    }
}
