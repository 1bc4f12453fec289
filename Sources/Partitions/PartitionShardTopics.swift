import BrokerModel
import CommitLog
import EventLoop

/// Topics that come, go and change.
extension PartitionShard {
    func create(_ creation: TopicCreation, in store: PartitionStore) {
        do throws(TopicError) {
            guard !creation.name.isInternal else { throw .isInternal }
            var random = SystemRandomNumberGenerator()
            let build = try store.beginTopic(
                creation.name,
                id: .random(using: &random),
                partitions: creation.partitions,
                overrides: creation.overrides,
                now: moment
            )
            builds.begin(build, creation.token, replyTo: creation.replyTo)
            goOn(in: store)
        } catch {
            answer(.failure(error), creation.token, to: creation.replyTo)
        }
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
        answer(outcome, deletion.token, to: deletion.replyTo)
    }

    var moment: StorageMoment {
        StorageMoment(wallClock: loop.wallClock, monotonic: loop.now)
    }

    /// Before the replies leave: who hears of a topic finds it in the catalog. One catalog serves
    /// all changes of a burst, as it has a place for every topic that there is.
    func answerTopics(in store: PartitionStore) {
        guard !topicReplies.isEmpty else { return }
        if isCatalogStale { catalog.publish(TopicCatalogSnapshot(of: store)) }
        isCatalogStale = false
        upkeep.removeLater(store)
        for (mailbox, reply) in topicReplies { mailbox.post(reply) }
        topicReplies.removeAll(keepingCapacity: true)
    }

    private func answer(
        _ outcome: Result<TopicEntry, TopicError>,
        _ token: UInt64,
        to mailbox: Mailbox<TopicReply>
    ) {
        switch outcome {
        case .success, .failure(.storage): isCatalogStale = true
        case .failure: break
        }
        topicReplies.append((mailbox, TopicReply(token: token, outcome: outcome)))
        cleaning.topicsChanged()
    }

    func alter(_ alteration: TopicAlteration, in store: PartitionStore) {
        let outcome: Result<TopicEntry, TopicError>
        do throws(TopicError) {
            guard alteration.name.mayBeSet else { throw .isInternal }
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
        answer(outcome, alteration.token, to: alteration.replyTo)
    }

    func add(_ addition: PartitionAddition, in store: PartitionStore) {
        do throws(TopicError) {
            guard !addition.name.isInternal else { throw .isInternal }
            let build = try store.beginAddition(
                to: addition.name,
                total: addition.total,
                now: moment
            )
            builds.begin(build, addition.token, replyTo: addition.replyTo)
            goOn(in: store)
        } catch {
            answer(.failure(error), addition.token, to: addition.replyTo)
        }
    }

    /// Builds a few folders. What came meanwhile has its turn before the next ones.
    private func goOn(in store: PartitionStore) {
        guard var build = builds.current else { return }
        let outcome: Result<TopicEntry, TopicError>
        do throws(TopicError) {
            guard try store.goOn(with: &build.partitions, limit: TopicBuilds.step) else {
                builds.current = build
                loop.schedule(at: loop.now + .nanoseconds(1)) { [unowned self] in
                    goOnLater(in: store)
                }
                return
            }
            outcome = .success(try store.finish(build.partitions, now: moment))
        } catch {
            outcome = .failure(error)
        }
        builds.current = nil
        if case .success = outcome, build.partitions.isNewTopic { counters.topicsCreated.add() }
        answer(outcome, build.token, to: build.replyTo)
    }

    private func goOnLater(in store: PartitionStore) {
        counters.work.began(at: loop.now)
        goOn(in: store)
        if builds.current == nil { answerTopics(in: store) }
        counters.work.ended(at: .current)
        guard builds.current == nil, !builds.deferred.isEmpty else { return }
        receive(builds.takeDeferred())
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
    fileprivate var mayBeSet: Bool { !isInternal || description == "__consumer_offsets" }
}
