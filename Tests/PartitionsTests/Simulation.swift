import BrokerModel
import CommitLog
import HeadwaterTesting
import Partitions

/// One machine's life from a seed: publishers append to several partitions, commits run, power
/// fails, recovery runs and fails too; after each start every promise is checked.
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
    }

    private static let directory = "/data"

    /// What was done, for tests that must know that something was.
    private(set) var recordsAppended = 0
    private(set) var crashes = 0
    private(set) var recoveryCrashes = 0
    private(set) var fileCalls = 0

    private let plan: Plan
    private let settings: TopicSettings
    private var generator: SeededGenerator
    private var clock = SimulatedClock()
    private var fileSystem = SimulatedFileSystem()
    private var store: PartitionStore?
    private var histories: [TopicPartition: PartitionHistory] = [:]
    private var batchesUsed = [Int](repeating: 0, count: BatchPool.publishers)
    /// Only then may a start believe that the stop before it was clean.
    private var closeWasTried = false
    /// Whether a call of this life is to fail.
    private var mayFail = false
    private var output = ByteWriter(capacity: 64 << 10)

    init(seed: UInt64, plan: Plan = Plan()) {
        self.plan = plan
        generator = SeededGenerator(seed: seed)
        var settings = TopicSettings()
        settings.log.segmentBytes = ByteCount(generator.within(2_500...12_000))
        settings.log.segmentAge = .seconds(generator.within(2...60))
        settings.log.indexInterval = ByteCount(256)
        self.settings = settings
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
        }
    }

    /// One call fails somewhere in this life: a log goes read-only, the others go on.
    private func addDiskFailure(to faults: inout SimulatedFaults) {
        let operations: [FileSystemError.Operation] = [.write, .sync, .create]
        faults.fail(
            operations[generator.below(operations.count)],
            pathSuffix: generator.oneIn(3) ? "index" : ".log",
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
            guard !fileSystem.hasCrashed else { return }
        }
    }

    private func step() throws {
        clock.advance(by: .milliseconds(generator.below(400)))
        guard let store else { return }
        switch generator.below(100) {
        case 0..<3 where store.handle(of: Self.partition("alarms", 0)) == nil:
            try create("alarms", 1, in: store)
        case 0..<1: try closeAndReopen(store)
        case 0..<3: try readBack(store)
        case 3..<20: try commit(store)
        default: try append(to: store)
        }
    }

    private func append(to store: PartitionStore) throws {
        guard !store.partitions.isEmpty else { return try create("plant", 2, in: store) }
        let handle = PartitionHandle(rawValue: generator.below(store.partitions.count))
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
        try history(of: handle, in: store).noteAppended(output.bytes)
    }

    private func commit(_ store: PartitionStore) throws {
        let result = store.commit()
        for (partition, highWatermark) in result.advanced {
            try history(of: partition, in: store).noteAcknowledged(highWatermark)
        }
        for (_, error) in result.failed { try expectCrash(error) }
    }

    private func create(_ topic: String, _ count: Int32, in store: PartitionStore) throws {
        guard let name = TopicName(topic) else { return }
        let id = UUIDBytes.random(using: &generator)
        let handles: [PartitionHandle]
        do throws(TopicError) {
            handles = try store.createTopic(name, id: id, partitions: count).handles
        } catch {
            return try expectCrash(error)
        }
        for handle in handles { adopt(handle, in: store) }
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
        for partition in store.partitions {
            histories[partition.name]?.noteAcknowledged(partition.log.highWatermark)
        }
        self.store = nil
        fileSystem.resetBytesRead()
        self.store = try open()
        guard !fileSystem.hasCrashed else { return }
        try check()
    }

    private func readBack(_ store: PartitionStore) throws {
        for partition in store.partitions { try checkContents(of: partition) }
    }

    // MARK: Death and recovery

    private func loseEverythingVolatile() {
        crashes += 1
        if let store { noteSeen(store) }
        store = nil
        mayFail = false
        restartMachine()
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
        do throws(PartitionStoreError) {
            return try PartitionStore.open(
                path: Self.directory,
                fileSystem: fileSystem,
                settings: settings,
                newIdentity: { identity }
            )
        } catch {
            try expectCrash(error)
            return nil
        }
    }

    // MARK: Checks

    /// After a start: every promise, for every partition that was ever there.
    private func check() throws {
        guard let store else { return }
        if let (name, error) = store.offline.first {
            throw Violation(promise: .p1, what: "\(name) did not open: \(error)")
        }
        let bytesRead = fileSystem.bytesReadByPath
        for name in histories.keys where store.handle(of: name) == nil {
            throw Violation(promise: .p1, what: "\(name) is gone")
        }
        for (index, partition) in store.partitions.enumerated() {
            if histories[partition.name] == nil {  // Its creation was never reported.
                adopt(PartitionHandle(rawValue: index), in: store)
            }
            let active = try activeSegment(of: partition.log.folder)
            guard !fileSystem.hasCrashed else { return }
            try RecoveryReads.check(
                bytesRead,
                folder: partition.log.folder,
                activeSegment: active,
                segmentBytesMax: settings.log.segmentBytes.rawValue
            )
            try checkContents(of: partition)
            try checkEpoch(of: partition)
        }
        fileSystem.resetBytesRead()
        closeWasTried = false
    }

    private func checkContents(of partition: PartitionStore.Partition) throws {
        guard let history = histories[partition.name] else { return }
        let reader = partition.log.reader
        let end = reader.highWatermark
        output.removeAll()
        var next = reader.logStartOffset
        while next < end {
            let result: PartitionReader.ReadResult
            do throws(CommitLogError) {
                result = try reader.read(
                    from: next,
                    maxBytes: ByteCount(generator.within(100...20_000)),
                    minOneBatch: true,
                    into: &output
                )
            } catch {
                try expectCrash(error)
                return
            }
            guard result.nextOffset > next else {
                throw Violation(promise: .p1, what: "no read gets past \(next.rawValue)")
            }
            next = result.nextOffset
        }
        try AcknowledgedRecords.check(history, stored: output.bytes, highWatermark: end)
        try StableOffsets.check(history, stored: output.bytes, highWatermark: end)
        let isWhole = partition.log.failure == nil && partition.log.logEndOffset == end
        if isWhole { history.cut(to: end) }
        history.noteSeen(end)
    }

    private func checkEpoch(of partition: PartitionStore.Partition) throws {
        guard let history = histories[partition.name] else { return }
        let epoch = partition.log.leaderEpoch
        if !partition.recovery.wasClean {
            try StableOffsets.checkEpochRose(history, to: epoch)
        } else if !closeWasTried {
            throw Violation(promise: .p2, what: "a start took an unclean stop for a clean one")
        }
        history.leaderEpoch = epoch
    }

    private func noteSeen(_ store: PartitionStore) {
        for partition in store.partitions {
            histories[partition.name]?.noteSeen(partition.log.reader.highWatermark)
        }
    }

    private func adopt(_ handle: PartitionHandle, in store: PartitionStore) {
        guard let partition = store.partition(handle) else { return }
        histories[partition.name] = PartitionHistory()
    }

    private func history(
        of handle: PartitionHandle,
        in store: PartitionStore
    ) throws(Violation) -> PartitionHistory {
        guard let name = store.partition(handle)?.name, let history = histories[name] else {
            throw Violation(promise: .other, what: "nobody knows partition \(handle)")
        }
        return history
    }

    private func activeSegment(of folder: String) throws(Violation) -> String {
        do throws(FileSystemError) {
            let names = try fileSystem.list(folder).map(\.name)
            return names.filter { $0.hasSuffix(".log") }.max() ?? ""
        } catch {
            try expectCrash(error)
            return ""
        }
    }

    /// Until the machine dies every call succeeds but for the one that was to fail.
    private func expectCrash(_ error: any Error) throws(Violation) {
        guard !fileSystem.hasCrashed, !mayFail else { return }
        throw Violation(promise: .other, what: "\(error), although nothing had crashed")
    }

    private static func partition(_ topic: String, _ number: Int32) -> TopicPartition {
        guard let name = TopicName(topic) else { preconditionFailure("a legal name") }
        return TopicPartition(topic: name, partition: number)
    }
}
