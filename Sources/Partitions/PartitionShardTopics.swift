import BrokerModel
import CommitLog
import EventLoop

/// Topics that come, go and change.
extension PartitionShard {
    func create(_ creation: TopicCreation, in store: PartitionStore) {
        let outcome: Result<TopicEntry, TopicError>
        do throws(TopicError) {
            guard !creation.name.isInternal else { throw .isInternal }
            var random = SystemRandomNumberGenerator()
            outcome = .success(
                try store.createTopic(
                    creation.name,
                    id: .random(using: &random),
                    partitions: creation.partitions,
                    overrides: creation.overrides,
                    now: moment
                )
            )
        } catch {
            outcome = .failure(error)
        }
        if case .success = outcome { counters.topicsCreated.add() }
        publish(outcome, of: store)
        creation.replyTo.post(TopicReply(token: creation.token, outcome: outcome))
    }

    func delete(_ deletion: TopicDeletion, from store: PartitionStore) {
        let outcome: Result<TopicEntry, TopicError>
        do throws(TopicError) {
            guard !deletion.name.isInternal else { throw .isInternal }
            outcome = .success(try store.deleteTopic(deletion.name, now: moment))
        } catch {
            outcome = .failure(error)
        }
        if case .success = outcome { counters.topicsDeleted.add() }
        publish(outcome, of: store)
        upkeep.removeLater(store)
        deletion.replyTo.post(TopicReply(token: deletion.token, outcome: outcome))
    }

    var moment: StorageMoment {
        StorageMoment(wallClock: loop.wallClock, monotonic: loop.now)
    }

    /// Before the reply leaves: who hears of a topic finds it in the catalog.
    private func publish(_ outcome: Result<TopicEntry, TopicError>, of store: PartitionStore) {
        switch outcome {
        case .success, .failure(.storage): catalog.publish(TopicCatalogSnapshot(of: store))
        case .failure: break
        }
        cleaning.topicsChanged()
    }

    func alter(_ alteration: TopicAlteration, in store: PartitionStore) {
        let outcome: Result<TopicEntry, TopicError>
        do throws(TopicError) {
            guard alteration.name.mayBeChanged else { throw .isInternal }
            outcome = .success(
                try store.alterTopic(
                    alteration.name,
                    changes: alteration.changes,
                    validateOnly: alteration.validateOnly,
                    now: moment
                )
            )
        } catch {
            outcome = .failure(error)
        }
        if !alteration.validateOnly { publish(outcome, of: store) }
        alteration.replyTo.post(TopicReply(token: alteration.token, outcome: outcome))
    }

    func add(_ addition: PartitionAddition, in store: PartitionStore) {
        let outcome: Result<TopicEntry, TopicError>
        do throws(TopicError) {
            guard addition.name.mayBeChanged else { throw .isInternal }
            outcome = .success(
                try store.addPartitions(to: addition.name, total: addition.total, now: moment)
            )
        } catch {
            outcome = .failure(error)
        }
        publish(outcome, of: store)
        addition.replyTo.post(TopicReply(token: addition.token, outcome: outcome))
    }

    func delete(_ deletion: RecordDeletion, in store: PartitionStore) {
        let outcome: Result<Offset, RecordDeletionError>
        do throws(RecordDeletionError) {
            outcome = .success(
                try store.deleteRecords(
                    of: deletion.partition,
                    before: deletion.before,
                    now: loop.now
                )
            )
            upkeep.removeLater(store)
        } catch {
            outcome = .failure(error)
        }
        deletion.replyTo.post(
            RecordDeletionReply(
                token: deletion.token,
                partition: deletion.partition,
                outcome: outcome
            )
        )
    }
}

extension TopicName {
    /// Kafka lets the topic of committed offsets be set like any other; those of our own hold what
    /// other settings would lose.
    fileprivate var mayBeChanged: Bool { !isInternal || description == "__consumer_offsets" }
}
