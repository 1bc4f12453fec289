import BrokerModel
import CommitLog
import HeadwaterTesting
import Partitions
import RecordFormat

/// One machine with compacted topics, from a seed: keys are written over, deleted and cleaned, the
/// power fails at any file call, and after each start the last value of every key has to be there.
final class CompactionSimulation {
    private static let directory = "/data"
    private static let keys = 12

    /// What was handed to one topic.
    private final class History {
        let name: TopicName
        let deletes: Bool
        /// By offset: key, and value or nil.
        var records: [(key: Int, value: Int?)] = []
        var acknowledged = 0
        init(_ name: TopicName, deletes: Bool) {
            self.name = name
            self.deletes = deletes
        }
    }

    private(set) var cleanings = 0
    private(set) var recordsRemoved = 0
    private(set) var crashesWhileCleaning = 0
    private(set) var fileCalls = 0

    var faults = SimulatedFaults()
    private let lives: Int
    private let operations: Int
    private let crashAtCall: Int?
    private var generator: SeededGenerator
    private var clock = SimulatedClock()
    private var fileSystem = SimulatedFileSystem()
    private var store: PartitionStore?
    private var histories: [History] = []
    private var settings = TopicSettings()
    private var nextValue = 0

    init(seed: UInt64, lives: Int = 3, operations: Int = 250, crashAtCall: Int? = nil) {
        self.lives = lives
        self.operations = operations
        self.crashAtCall = crashAtCall
        generator = SeededGenerator(seed: seed)
        settings.log.segmentBytes = ByteCount(generator.within(500...3_000))
        settings.log.indexInterval = ByteCount(256)
        settings.retentionTime = nil
        settings.compaction.dirtyRatioMin = 0.1
        settings.compaction.tombstoneRetention = .milliseconds(generator.below(4_000))
        settings.fileDeleteDelay = .milliseconds(generator.below(3_000))
    }

    func run() throws {
        for life in 0..<lives {
            var faults = faults
            let span = crashAtCall ?? 1 + generator.below(3 * operations)
            faults.crashAtCall =
                life == 0 || crashAtCall == nil
                ? fileSystem.calls.addingReportingOverflow(span).0 : nil
            fileSystem.setFaults(faults)
            if store == nil { try start() }
            for _ in 0..<operations where !fileSystem.hasCrashed { try step() }
            fileCalls += fileSystem.calls
            store = nil
            restart()
            while store == nil {
                var faults = SimulatedFaults()
                if generator.oneIn(3) { faults.crashAtCall = 1 + generator.below(60) }
                fileSystem.setFaults(faults)
                try start()
                if fileSystem.hasCrashed || store == nil {
                    store = nil
                    restart()
                }
            }
            fileSystem.setFaults(SimulatedFaults())
            try check(isFirst: true)
        }
    }

    private func restart() {
        fileSystem =
            generator.oneIn(4)
            ? fileSystem.killProcess() : fileSystem.survivors(seed: generator.next())
    }

    private func start() throws {
        let identity = PartitionStoreIdentity(nodeID: 1, clusterID: .zero, directoryID: .zero)
        do throws(PartitionStoreError) {
            let opened = try PartitionStore.open(
                path: Self.directory,
                fileSystem: fileSystem,
                settings: settings,
                newIdentity: { identity }
            )
            store = opened
        } catch {
            return try expectCrash(error)
        }
        if let (name, error) = store?.offline.first {
            store = nil
            return try expectCrash("\(name) is offline, \(error)")
        }
        try makeTopics()
    }

    private func makeTopics() throws {
        for (text, policy) in [("state", "compact"), ("both", "compact,delete")] {
            guard let store, let name = TopicName(text), store.topics(named: name) == nil else {
                continue
            }
            do throws(TopicError) {
                try store.createTopic(
                    name,
                    id: .random(using: &generator),
                    partitions: 1,
                    overrides: ["cleanup.policy": policy, "retention.bytes": "6000"]
                )
            } catch {
                try expectCrash(error)
            }
            if !histories.contains(where: { $0.name == name }) {
                histories.append(History(name, deletes: policy != "compact"))
            }
        }
    }

    // MARK: A life

    private func step() throws {
        clock.advance(by: .milliseconds(generator.below(300)))
        guard let store else { return }
        switch generator.below(100) {
        case 0..<25: try commit(store)
        case 25..<40: try clean(store)
        case 40..<43: try retain(store)
        case 43..<47: _ = store.removeDeleted(now: clock.now, limit: 4)
        case 47..<50: try check(isFirst: false)
        default: try append(store)
        }
    }

    private func append(_ store: PartitionStore) throws {
        let history = histories[generator.below(histories.count)]
        guard let handle = handle(of: history, store) else { return }
        var builder = RecordBatchBuilder()
        var made: [(key: Int, value: Int?)] = []
        for _ in 0...generator.below(6) {
            let key = generator.below(Self.keys)
            nextValue += 1
            let value = generator.oneIn(5) ? nil : nextValue
            made.append((key, value))
            var keyBytes = ByteWriter()
            var valueBytes = ByteWriter()
            keyBytes.writeUTF8("key \(key)")
            valueBytes.writeUTF8("\(value ?? 0)")
            try builder.append(
                timestamp: clock.wallClock,
                key: keyBytes.bytes,
                value: value == nil ? nil : valueBytes.bytes
            )
        }
        var output = ByteWriter()
        builder.sealUncompressed(into: &output)
        // Also where it fails: part of it may be on the disk.
        let base = store.partition(handle).map { Int($0.log.logEndOffset.rawValue) } ?? 0
        history.records.removeLast(max(0, history.records.count - base))
        history.records += made
        do throws(CommitLogError) {
            try store.append(output.mutableBytes, to: handle, now: clock.wallClock)
        } catch {
            try expectCrash(error)
        }
    }

    private func commit(_ store: PartitionStore) throws {
        let result = store.commit()
        for (handle, end) in result.advanced {
            let name = store.partition(handle)?.name.topic
            histories.first { $0.name == name }?.acknowledged = Int(end.rawValue)
        }
        if let failed = result.failed.first { try expectCrash(failed.error) }
    }

    private func retain(_ store: PartitionStore) throws {
        store.beginRetention()
        while true {
            let step = store.retainStep(now: moment)
            if let failed = step.failed.first { try expectCrash(failed.error) }
            guard !step.isDone, !fileSystem.hasCrashed else { return }
        }
    }

    private struct Host: CleaningHost {
        let simulation: CompactionSimulation
        let store: PartitionStore
        let handle: PartitionHandle
        var mayGoOn: Bool { !simulation.fileSystem.hasCrashed }
        func spent(_ bytes: ByteCount) {}
        func replace(_ cleaned: CleanedSegment) -> Bool {
            let now = simulation.clock.now
            return (try? store.replace(cleaned, of: handle, now: now)) ?? false
        }
    }

    private func clean(_ store: PartitionStore) throws {
        guard let next = store.nextCleaning(now: moment) else { return }
        let memory = ByteCount(24 * generator.within(4...40))
        var cleaning = LogCleaning(next.plan, memory: memory)
        let host = Host(simulation: self, store: store, handle: next.partition)
        do throws(CleaningError) {
            try cleaning.run(host)
            cleanings += 1
            recordsRemoved += cleaning.result.recordsRemoved
        } catch {
            crashesWhileCleaning += 1
            return try expectCrash("\(error)")
        }
        do throws(CommitLogError) {
            try store.noteCleaned(next.partition, to: cleaning.result.end)
        } catch {
            crashesWhileCleaning += 1
            try expectCrash(error)
        }
    }

    private var moment: StorageMoment {
        StorageMoment(wallClock: clock.wallClock, monotonic: clock.now)
    }

    private func handle(of history: History, _ store: PartitionStore) -> PartitionHandle? {
        store.handle(of: TopicPartition(topic: history.name, partition: 0))
    }

    // MARK: What has to hold

    private func check(isFirst: Bool) throws {
        guard let store, !fileSystem.hasCrashed else { return }
        if isFirst { try checkStart(store) }
        for history in histories {
            guard let handle = handle(of: history, store), let log = store.partition(handle)?.log
            else { continue }
            let reader = log.reader
            guard let found = try readAll(reader) else { return }
            let end = Int(reader.highWatermark.rawValue)
            guard end >= history.acknowledged else {
                throw Violation(promise: .p1, what: "\(history.name) ends at \(end)")
            }
            guard history.deletes || reader.logStartOffset == .zero else {
                throw Violation(promise: .logStart, what: "\(history.name) begins elsewhere")
            }
            // What lies past the end, and was never acknowledged, is forgotten with a start.
            if isFirst {
                history.records.removeLast(max(0, history.records.count - end))
                history.acknowledged = end
            }
            try check(found, of: history, from: Int(reader.logStartOffset.rawValue), to: end)
        }
    }

    private func check(
        _ found: [Int: (key: Int, value: Int?)],
        of history: History,
        from start: Int,
        to end: Int
    ) throws {
        var last: [Int: Int] = [:]
        for offset in 0..<end { last[history.records[offset].key] = offset }
        for (offset, record) in found {
            let expected = history.records[offset]
            guard record.key == expected.key, record.value == expected.value else {
                throw Violation(promise: .p2, what: "offset \(offset) of \(history.name) changed")
            }
        }
        for (key, offset) in last where offset >= start {
            let record = history.records[offset]
            if found[offset] != nil { continue }
            // Only a tombstone may go, and nothing that it deleted may come back.
            let revived = found.first { $0.value.key == key }
            guard record.value == nil, revived == nil else {
                throw Violation(
                    promise: .p1,
                    what: "key \(key) of \(history.name): its last record, \(offset), is gone"
                        + (revived.map { ", and \($0.key) is there" } ?? "")
                )
            }
        }
    }

    private func checkStart(_ store: PartitionStore) throws {
        for partition in store.partitions where !partition.name.topic.isInternal {
            let names = try fileSystem.list(partition.log.folder).map(\.name)
            if let left = names.first(where: { $0.hasSuffix(".swap") || $0.hasSuffix(".cleaned") })
            {
                throw Violation(promise: .other, what: "\(left) is left after a start")
            }
            let active = names.filter { $0.hasSuffix(".log") }.max() ?? ""
            let read = fileSystem.bytesReadByPath.first { path, count in
                path.hasPrefix(partition.log.folder + "/") && path.hasSuffix(".log") && count > 0
                    && path != partition.log.folder + "/" + active
            }
            if let read { throw Violation(promise: .p4, what: "a start read \(read.key)") }
        }
    }

    /// Nil when the machine died meanwhile.
    private func readAll(_ reader: PartitionReader) throws -> [Int: (key: Int, value: Int?)]? {
        var found: [Int: (key: Int, value: Int?)] = [:]
        var next = reader.logStartOffset
        var decompressor = RecordDecompressor()
        while next < reader.highWatermark {
            var output = ByteWriter()
            do throws(CommitLogError) {
                next = try reader.read(
                    from: next,
                    maxBytes: ByteCount(generator.within(100...4_000)),
                    minOneBatch: true,
                    into: &output
                ).nextOffset
            } catch {
                try expectCrash(error)
                return nil
            }
            var rest = output.bytes
            while let batch = try RecordBatchView.first(in: rest) {
                try batch.check(from: .log)
                var cursor = try batch.records(decompressor: &decompressor, limit: .mebibytes(1))
                while let record = try cursor.next() {
                    guard record.offset >= reader.logStartOffset else { continue }
                    let offset = Int(record.offset.rawValue)
                    let key = record.key.flatMap { Self.number($0.dropFirst(4)) } ?? -1
                    found[offset] = (key, record.value.flatMap { Self.number($0[...]) })
                }
                rest = UnsafeRawBufferPointer(rebasing: rest[batch.sizeInBytes.rawValue...])
            }
        }
        return found
    }

    private static func number(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
        Int(String(decoding: bytes, as: UTF8.self))
    }

    private func expectCrash(_ what: Any) throws(Violation) {
        guard !fileSystem.hasCrashed else { return }
        throw Violation(promise: .other, what: "\(what), although nothing had crashed")
    }
}

extension PartitionStore {
    fileprivate func topics(named name: TopicName) -> PartitionHandle? {
        handle(of: TopicPartition(topic: name, partition: 0))
    }
}
