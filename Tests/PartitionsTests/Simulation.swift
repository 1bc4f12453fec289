import BrokerModel
import CommitLog
import HeadwaterTesting
import Partitions

/// One machine's life from a seed: topics come and go, publishers append to their partitions,
/// commits and retention run, power fails, recovery runs and fails too; after each start every
/// promise is checked.
final class Simulation {
    struct Plan: Sendable {
        var operations = 250
        /// How many lives the machine has before the last recovery.
        var lives = 2
        /// Where the first life ends; nil lets the seed say.
        var crashAtCall: Int?
        /// Where the first recovery ends; nil lets the seed say.
        var recoveryCrashAtCall: Int?
        /// Planted bugs.
        var faults = SimulatedFaults()
        var recoveryFaults = SimulatedFaults()
        /// What retention does, other than it was told.
        var retentionFactor = 1
        /// Planted: what a topic that is not durable keeps for a crash is thrown away before it.
        var forgetsMarks = false
        /// Planted: what is known of producers is thrown away before a start.
        var forgetsSnapshots = false
        /// Whether topics change while they are there.
        var isAdministered = true
        /// After how much of the metadata log a checkpoint is written.
        var metadataBytesMax = 300
    }

    private static let directory = "/data"

    /// What was done, for tests that must know that something was.
    var recordsAppended = 0
    private(set) var crashes = 0
    private(set) var recoveryCrashes = 0
    private(set) var fileCalls = 0
    private(set) var topicsDeleted = 0
    private(set) var segmentsDeleted = 0
    private(set) var gaps = 0
    var producedBatches = 0
    var topicsAltered = 0
    var partitionsAdded = 0
    var recordDeletions = 0
    private(set) var checkpoints = 0

    private let plan: Plan
    let kinds: SimulatedTopics
    var generator: SeededGenerator
    private var clock = SimulatedClock()
    var fileSystem = SimulatedFileSystem()
    var store: PartitionStore?
    /// Every topic that there ever was, oldest first.
    var histories: [TopicHistory] = []
    private var batchesUsed = [Int](repeating: 0, count: BatchPool.publishers)
    /// Those of this life that are not given to a producer, and all that ever were.
    var producerIDs: Range<Int64> = 0..<0
    var producerIDsGiven: Set<Int64> = []
    /// Only then may a start believe that the stop before it was clean.
    var closeWasTried = false
    /// Whether a call of this life is to fail.
    var mayFail = false
    /// Set when a start found a broken disk: only the next one can tell what it cost.
    var lifeIsOver = false
    var output = ByteWriter(capacity: 64 << 10)

    init(seed: UInt64, plan: Plan = Plan()) {
        self.plan = plan
        generator = SeededGenerator(seed: seed)
        kinds = SimulatedTopics(&generator, retentionFactor: plan.retentionFactor)
    }

    func run() throws {
        for life in 0..<plan.lives {
            var faults = plan.faults
            faults.crashAtCall = fileSystem.calls.addingReportingOverflow(crashCall(inLife: life)).0
            mayFail = generator.oneIn(3)
            if mayFail { addDiskFailure(to: &faults) }
            fileSystem.setFaults(faults)
            try live()
            fileCalls += fileSystem.calls
            loseEverythingVolatile()
            try recover(isFirst: life == 0)
            countCheckpoints()
        }
    }

    /// One call fails somewhere in this life: a log goes read-only, the others go on.
    private func addDiskFailure(to faults: inout SimulatedFaults) {
        let operations: [FileSystemError.Operation] = [.write, .sync, .create, .rename]
        let suffixes = ["index", ".log", ".log", "offset-marks.tmp", "-0", ".snapshot.tmp"]
        faults.fail(
            operations[generator.below(operations.count)],
            pathSuffix: suffixes[generator.below(suffixes.count)],
            reason: generator.oneIn(2) ? .io : .noSpace,
            after: generator.below(40)
        )
    }

    private func crashCall(inLife life: Int) -> Int {
        if life == 0, let call = plan.crashAtCall { return call }
        return 1 + generator.below(3 * plan.operations)
    }

    // MARK: A life

    private func live() throws {
        if store == nil {
            store = try open()
            guard !fileSystem.hasCrashed else { return }
        }
        for _ in 0..<plan.operations {
            try step()
            guard !fileSystem.hasCrashed, !lifeIsOver else { return }
        }
    }

    private func step() throws {
        clock.advance(by: .milliseconds(generator.below(400)))
        guard let store else { return }
        switch generator.below(200) {
        case 0..<4: try createSomething(in: store)
        case 4..<6: try closeAndReopen(store)
        case 6..<7: try deleteSomething(in: store)
        case 7..<10: try readBack(store)
        case 10..<14: try retain(in: store)
        case 14..<16: _ = store.removeDeleted(now: clock.now, limit: 3)
        case 16..<21 where !plan.isAdministered: try commit(store)
        case 16..<18: try alterSomething(in: store)
        case 18..<19: try growSomething(in: store)
        case 19..<21: try deleteRecordsSomewhere(in: store)
        case 21..<50: try commit(store)
        case 50..<100: try produce(to: store)
        default: try append(to: store)
        }
    }

    private func append(to store: PartitionStore) throws {
        let present = histories.filter { $0.life == .present }
        guard !present.isEmpty else { return try createSomething(in: store) }
        let topic = present[generator.below(present.count)]
        let number = generator.below(topic.partitions.count)
        let name = TopicPartition(topic: topic.name, partition: Int32(number))
        guard let handle = store.handle(of: name) else { return }
        let publisher = generator.below(BatchPool.publishers)
        output.removeAll()
        for _ in 0...generator.below(3) {
            let batch = BatchPool.shared.batch(batchesUsed[publisher], of: publisher)
            batchesUsed[publisher] += 1
            recordsAppended += batch.recordCount
            batch.bytes.withUnsafeBytes { output.writeBytes($0) }
        }
        do throws(CommitLogError) {
            try store.append(output.mutableBytes, to: handle, now: clock.wallClock)
        } catch {
            try expectCrash(error)
        }
        try topic.partitions[number].noteAppended(output.bytes)
    }

    private func commit(_ store: PartitionStore) throws {
        try note(generator.oneIn(3) ? store.showWritten() : store.commit(), in: store)
    }

    func commitAll(_ store: PartitionStore) throws { try note(store.commit(), in: store) }

    private func note(_ result: PartitionStore.CommitResult, in store: PartitionStore) throws {
        for (handle, highWatermark) in result.advanced {
            try history(of: handle, in: store)?.noteAcknowledged(highWatermark)
        }
        for (handle, error, _) in result.failed where store.partition(handle) != nil {
            try expectCrash(error)
            try history(of: handle, in: store)?.producers.forEach { $0.forgetAnswers() }
        }
    }

    private func retain(in store: PartitionStore) throws {
        for topic in histories where topic.life == .present {
            let policy = RetentionPolicy(topic.settings)
            for partition in topic.partitions {
                partition.noteRetention(policy, now: clock.wallClock)
            }
        }
        store.beginRetention()
        for _ in 0...generator.below(4) {
            let step = store.retainStep(now: moment)
            segmentsDeleted += step.expired + step.oversize
            for (_, error) in step.failed { try expectCrash(error) }
            guard !step.isDone, !fileSystem.hasCrashed else { break }
        }
        try checkPartitions(store) { history, partition in
            try LogStarts.check(history, logStart: partition.log.reader.logStartOffset)
        }
    }

    // MARK: Topics

    private func createSomething(in store: PartitionStore) throws {
        let kind = kinds.all[generator.below(kinds.all.count)]
        guard !histories.contains(where: { $0.name == kind.name && $0.life != .gone }) else {
            return
        }
        let topic = TopicHistory(
            name: kind.name,
            id: .random(using: &generator),
            settings: try kinds.told.applying(kind.overrides),
            overrides: kind.overrides,
            partitions: kind.partitions
        )
        histories.append(topic)
        do throws(TopicError) {
            let entry = try store.createTopic(
                topic.name,
                id: topic.id,
                partitions: Int32(kind.partitions),
                overrides: kind.overrides,
                now: moment
            )
            topic.life = .present
            guard entry.handles.count == kind.partitions || mayFail else {
                throw TopicError.badPartitionCount
            }
        } catch {
            try expectCrash(error)
        }
    }

    private func deleteSomething(in store: PartitionStore) throws {
        let present = histories.filter { $0.life == .present }
        guard !present.isEmpty else { return }
        let topic = present[generator.below(present.count)]
        topic.life = .ending
        do throws(TopicError) {
            try store.deleteTopic(topic.name, now: moment)
            topic.life = .gone
            topicsDeleted += 1
        } catch {
            try expectCrash(error)
        }
        for error in store.takeLeftBehind() { try expectCrash(error) }
    }

    private func closeAndReopen(_ store: PartitionStore) throws {
        closeWasTried = true
        let failed: [(name: TopicPartition, error: CommitLogError)]
        do throws(PartitionStoreError) {
            failed = try store.close()
        } catch {
            return try expectCrash(error)
        }
        for (_, error) in failed { try expectCrash(error) }
        noteSeen(store)
        guard !fileSystem.hasCrashed else { return }
        // Closing in order acknowledges everything.
        try checkPartitions(store) { history, partition in
            let isWhole = partition.log.failure == nil && failed.isEmpty
            history.noteAcknowledged(partition.log.highWatermark, byCleanStop: isWhole)
        }
        forgetStore()
        fileSystem.resetBytesRead()
        self.store = try open()
        guard !fileSystem.hasCrashed else { return }
        try check()
    }

    /// Producers hear nothing more of what the store has not synced.
    private func forgetStore() {
        store = nil
        producerIDs = 0..<0
        for topic in histories {
            for producer in topic.partitions.flatMap(\.producers) { producer.forgetAnswers() }
        }
    }

    private func readBack(_ store: PartitionStore) throws {
        try checkPartitions(store) { try self.checkContents(of: $1, $0, gaps: nil) }
    }

    // MARK: Death and recovery

    func loseEverythingVolatile() {
        crashes += 1
        if let store { noteSeen(store) }
        forgetStore()
        mayFail = false
        lifeIsOver = false
        restartMachine()
        if plan.forgetsMarks { forget { $0 == "offset-marks" } }
        if plan.forgetsSnapshots { forget { $0.hasSuffix(".snapshot") } }
    }

    private func countCheckpoints() {
        let names = (try? fileSystem.list(Self.directory + "/__cluster_metadata-0")) ?? []
        checkpoints += names.count { $0.name.hasSuffix(".checkpoint") }
    }

    private func forget(_ isForgotten: (String) -> Bool) {
        do throws(FileSystemError) {
            for entry in try fileSystem.list(Self.directory) where entry.isDirectory {
                let folder = Self.directory + "/" + entry.name
                for file in try fileSystem.list(folder) where isForgotten(file.name) {
                    try fileSystem.removeFile(folder + "/" + file.name)
                    try fileSystem.syncDirectory(folder)
                }
            }
        } catch {}  // The first life ended before there was anything.
    }

    /// Mostly after a power cut; sometimes only the process died, and what it wrote is still there
    /// without being any more durable.
    private func restartMachine() {
        fileSystem =
            generator.oneIn(4)
            ? fileSystem.killProcess() : fileSystem.survivors(seed: generator.next())
    }

    /// Starts until a start succeeds; the power may fail during each of them.
    private func recover(isFirst: Bool) throws {
        var attempt = 0
        while true {
            var faults = plan.recoveryFaults
            if attempt == 0, isFirst, let call = plan.recoveryCrashAtCall {
                faults.crashAtCall = call
            } else if attempt < 3, generator.oneIn(2) {
                faults.crashAtCall = 1 + generator.below(60)
            }
            fileSystem.setFaults(faults)
            let opened = try open()
            if !fileSystem.hasCrashed, let opened {
                store = opened
                fileSystem.setFaults(SimulatedFaults())
                return try check()
            }
            recoveryCrashes += 1
            attempt += 1
            restartMachine()
        }
    }

    private func open() throws -> PartitionStore? {
        let identity = PartitionStoreIdentity(
            nodeID: 1,
            clusterID: .random(using: &generator),
            directoryID: .random(using: &generator)
        )
        let store: PartitionStore
        var creation = TopicCreationSettings()
        creation.metadataBytesMax = ByteCount(plan.metadataBytesMax)
        do throws(PartitionStoreError) {
            store = try PartitionStore.open(
                path: Self.directory,
                fileSystem: fileSystem,
                settings: kinds.settings,
                creation: creation,
                newIdentity: { identity }
            )
        } catch {
            try expectCrash(error)
            return nil
        }
        let gapsID = UUIDBytes.random(using: &generator)
        do throws(TopicError) {
            gaps += try store.recordGaps(now: moment) { gapsID }.count
        } catch {
            try expectCrash(error)
        }
        return store
    }

    var moment: StorageMoment {
        StorageMoment(wallClock: clock.wallClock, monotonic: clock.now)
    }
}
