import BrokerModel
import CommitLog
import EventLoop
import HeadwaterTesting
import Partitions
import RecordFormat
import Testing

/// What the storage loop does beside its appends, on a real loop with short intervals.
@Suite struct UpkeepTests {
    private final class Bench {
        let loop: EventLoop
        let shard: PartitionShard
        let fileSystem = SimulatedFileSystem()
        let topic: TopicEntry
        private(set) var replies: [AppendReply] = []
        private let inbox = Inbox()
        private let mailbox: Mailbox<AppendReply>

        init(_ overrides: [String: String], checking interval: Duration = .milliseconds(5)) throws {
            let spare = MemoryPool(name: "spare", capacity: .mebibytes(1))
            loop = try EventLoop(settings: EventLoopSettings(input: spare, output: spare))
            var settings = PartitionShardSettings()
            settings.retentionCheckInterval = interval
            shard = PartitionShard(loop: loop, settings: settings)
            let identity = PartitionStoreIdentity(nodeID: 1, clusterID: .zero, directoryID: .zero)
            let store = try PartitionStore.open(
                path: "/data",
                fileSystem: fileSystem,
                newIdentity: { identity }
            )
            let name = try #require(TopicName("a"))
            let id = UUIDBytes(high: 1, low: 2)
            topic = try store.createTopic(name, id: id, partitions: 1, overrides: overrides)
            let inbox = inbox
            mailbox = loop.makeMailbox { inbox.bench?.replies += $0 }
            shard.open(store)
            inbox.bench = self
        }

        /// The batches' own times lie in the future: nothing of them expires.
        func append(_ count: Int, _ bytes: [UInt8] = BatchPool.shared.batch(0, of: 0).bytes) throws
        {
            let partition = try #require(topic.handles.first)
            for _ in 0..<count {
                let batch = SealedBatch()
                bytes.withUnsafeBytes { batch.bytes.writeBytes($0) }
                let request = AppendRequest(
                    partition: partition,
                    batch: batch,
                    needsSync: true,
                    replyTo: mailbox
                )
                shard.mailbox.post(.append(request))
            }
        }

        /// Files in the partition's folder whose names end so.
        func files(_ suffix: String) -> Int {
            let entries = (try? fileSystem.list("/data/a-0")) ?? []
            return entries.count { $0.name.hasSuffix(suffix) }
        }

        func run(until condition: @escaping () -> Bool) {
            let end = loop.now + .seconds(20)
            func look() {
                if condition() || loop.now > end { return loop.stop() }
                loop.schedule(at: loop.now + .milliseconds(1)) { look() }
            }
            look()
            loop.run()
            let holds = condition()
            #expect(holds)
        }
    }

    private final class Inbox { weak var bench: Bench? }

    private static func batches(filling size: Int) -> Int {
        size / BatchPool.shared.batch(0, of: 0).bytes.count + 1
    }

    @Test func `segments beyond the size go, and then their files`() throws {
        let bench = try Bench([
            "segment.bytes": "65536", "retention.bytes": "65536", "file.delete.delay.ms": "0",
        ])
        let count = Self.batches(filling: 300_000)
        try bench.append(count)
        let counters = bench.shard.counters
        let reader = try #require(bench.topic.reader(0))
        bench.run {
            bench.replies.count == count && counters.segmentsOversize.count >= 2
                && bench.files(".log") <= 2 && bench.files(".deleted") == 0
        }
        #expect(reader.logStartOffset > .zero)
        #expect(counters.bytesRetired.count >= 100_000)
        #expect(counters.retentionFailures.count == 0)
        var output = ByteWriter()
        #expect(throws: CommitLogError.self) {
            try reader.read(
                from: .zero,
                maxBytes: .mebibytes(1),
                minOneBatch: true,
                into: &output
            )
        }
    }

    @Test func `a file that is deleted stays for its delay`() throws {
        let bench = try Bench([
            "segment.bytes": "65536", "retention.bytes": "65536", "file.delete.delay.ms": "600000",
        ])
        try bench.append(Self.batches(filling: 300_000))
        bench.run { bench.shard.counters.segmentsOversize.count >= 2 }
        #expect(bench.files(".deleted") >= 2)
    }

    @Test func `old records go, the newest segment with them`() throws {
        let bench = try Bench(["retention.ms": "1", "file.delete.delay.ms": "0"])
        var builder = RecordBatchBuilder()
        try builder.append(timestamp: Timestamp(milliseconds: 1_000), key: nil, value: nil)
        var old = ByteWriter()
        builder.sealUncompressed(into: &old)
        try bench.append(1, [UInt8](old.bytes))
        let reader = try #require(bench.topic.reader(0))
        bench.run {
            bench.replies.count == 1 && reader.logStartOffset > .zero
                && reader.logStartOffset == reader.highWatermark
        }
        #expect(bench.shard.counters.segmentsExpired.count == 1)
    }

    @Test func `a topic that is only written is answered, and shown, without its sync`() throws {
        let bench = try Bench(["durability": "written"], checking: .seconds(60))
        let reader = try #require(bench.topic.reader(0))
        // The first batch reserves offsets, which is synced.
        try bench.append(1)
        bench.run { bench.replies.count == 1 }
        #expect(reader.highWatermark > .zero)
        let other = try Bench(["durability": "written"], checking: .seconds(60))
        other.fileSystem.setFaults(Self.failingSyncs)
        try other.append(20)
        other.run { other.replies.count == 20 }
        let failed = other.replies.count { if case .failure = $0.outcome { true } else { false } }
        #expect(failed == 0)
        #expect(other.shard.counters.commits.snapshot.count == 0)
    }

    private static var failingSyncs: SimulatedFaults {
        var faults = SimulatedFaults()
        faults.fail(.sync, pathSuffix: "/a-0/00000000000000000000.log", reason: .io)
        return faults
    }

    @Test func `flush.messages has a topic synced that does not wait for it`() throws {
        let bench = try Bench(["durability": "written", "flush.messages": "60"])
        let log = "/data/a-0/00000000000000000000.log"
        let records = BatchPool.shared.batch(0, of: 0).recordCount
        try bench.append(60 / records + 1)
        bench.run { bench.fileSystem.syncedContents(log)?.isEmpty == false }
    }

    @Test func `flush.ms has a topic synced a while after`() throws {
        let quiet = try Bench(["durability": "written"])
        try quiet.append(1)
        quiet.run { quiet.replies.count == 1 }
        let before = quiet.fileSystem.syncedContents("/data/a-0/00000000000000000000.log")
        #expect(before?.isEmpty ?? true)
        let bench = try Bench(["durability": "written", "flush.ms": "20"])
        try bench.append(1)
        bench.run {
            bench.fileSystem.syncedContents("/data/a-0/00000000000000000000.log")?.isEmpty
                == false
        }
    }
}
