import BrokerModel
import CommitLog
import EventLoop

/// What a storage loop does beside its appends, in short steps between them: retention, taking
/// deleted files off the disk, and forgetting producers that are silent. Confined to that loop.
final class ShardUpkeep {
    /// Between two steps the loop serves what came meanwhile.
    private static let pause = Duration.milliseconds(5)
    /// So that a start is over before its first pass, as with Kafka.
    private static let firstPassDelay = Duration.seconds(30)

    var report: (PartitionShardReport) -> Void = { _ in }

    private let loop: EventLoop
    private let interval: Duration
    private let producers: ProducerSettings
    private let counters: ShardCounters
    private var removal: TimerID?

    init(loop: EventLoop, settings: PartitionShardSettings, _ counters: ShardCounters) {
        self.loop = loop
        interval = settings.retentionCheckInterval
        producers = settings.producers
        self.counters = counters
    }

    func begin(_ store: PartitionStore) {
        loop.schedule(at: loop.now + min(interval, Self.firstPassDelay)) { [unowned self] in
            pass(store)
        }
        removeLater(store)
        expireProducersLater(in: store)
    }

    /// One pass looks at all of them: they are bounded, and few.
    private func expireProducersLater(in store: PartitionStore) {
        loop.schedule(at: loop.now + producers.checkInterval) { [unowned self] in
            counters.work.began(at: loop.now)
            store.expireProducers(after: producers.expiration, now: loop.now)
            counters.work.ended(at: .current)
            expireProducersLater(in: store)
        }
    }

    private func pass(_ store: PartitionStore) {
        store.beginRetention()
        step(store)
    }

    private func step(_ store: PartitionStore) {
        let moment = StorageMoment(wallClock: loop.wallClock, monotonic: loop.now)
        counters.work.began(at: loop.now)
        let step = store.retainStep(now: moment)
        counters.work.ended(at: .current)
        counters.segmentsExpired.add(step.expired)
        counters.segmentsOversize.add(step.oversize)
        counters.bytesRetired.add(step.bytes.rawValue)
        counters.retentionFailures.add(step.failed.count)
        for (partition, error) in step.failed { report(.retentionFailed(partition, error)) }
        if step.expired + step.oversize > 0 { removeLater(store) }
        loop.schedule(at: loop.now + (step.isDone ? interval : Self.pause)) { [unowned self] in
            if step.isDone { pass(store) } else { self.step(store) }
        }
    }

    /// Removes what was deleted once its delay is over.
    func removeLater(_ store: PartitionStore) {
        for error in store.takeLeftBehind() { report(.leftBehind(error)) }
        if let removal { loop.cancel(removal) }
        removal = nil
        guard let due = store.nextRemoval else { return }
        let time = max(due, loop.now + Self.pause)
        removal = loop.schedule(at: time) { [unowned self] in
            removal = nil
            counters.work.began(at: loop.now)
            _ = store.removeDeleted(now: loop.now)
            counters.work.ended(at: .current)
            removeLater(store)
        }
    }
}
