import BrokerModel
import CommitLog
import EventLoop
import HeadwaterTesting
import Partitions
import RecordFormat
import Testing

/// The cleaner's thread beside a real storage loop.
@Suite struct LogCleanerTests {
    private final class Bench {
        let loop: EventLoop
        let shard: PartitionShard
        let topic: TopicEntry
        let fileSystem = SimulatedFileSystem()
        let pool = MemoryPool(name: "keys", capacity: .mebibytes(1))
        private(set) var replies = 0
        private let inbox = Inbox()
        private let mailbox: Mailbox<AppendReply>
        private let topics: Mailbox<TopicReply>

        init(bytesPerSecond: ByteCount = .gibibytes(1)) throws {
            let spare = MemoryPool(name: "spare", capacity: .mebibytes(1))
            loop = try EventLoop(settings: EventLoopSettings(input: spare, output: spare))
            var settings = PartitionShardSettings()
            settings.cleaner.backoff = .milliseconds(10)
            settings.cleaner.bytesPerSecond = bytesPerSecond
            shard = PartitionShard(loop: loop, settings: settings)
            let identity = PartitionStoreIdentity(nodeID: 1, clusterID: .zero, directoryID: .zero)
            let store = try PartitionStore.open(
                path: "/data",
                fileSystem: fileSystem,
                newIdentity: { identity }
            )
            topic = try store.createTopic(
                try #require(TopicName("a")),
                id: UUIDBytes(high: 1, low: 2),
                partitions: 1,
                overrides: ["cleanup.policy": "compact", "segment.bytes": "65536"]
            )
            let inbox = inbox
            mailbox = loop.makeMailbox { inbox.bench?.replies += $0.count }
            topics = loop.makeMailbox { _ in }
            shard.cleaningMemory = pool
            shard.open(store)
            inbox.bench = self
        }

        func append(_ key: String, valueBytes: Int = 20_000) throws {
            var builder = RecordBatchBuilder()
            var keyBytes = ByteWriter()
            var value = ByteWriter()
            keyBytes.writeUTF8(key)
            value.writeUTF8(String(repeating: "v", count: valueBytes))
            try builder.append(
                timestamp: Timestamp(milliseconds: 1_800_000_000_000),
                key: keyBytes.bytes,
                value: value.bytes
            )
            let batch = SealedBatch()
            builder.sealUncompressed(into: &batch.bytes)
            batch.recordCount = 1
            let request = AppendRequest(
                partition: try #require(topic.handles.first),
                batch: batch,
                needsSync: true,
                replyTo: mailbox
            )
            shard.mailbox.post(.append(request))
        }

        func delete() {
            let deletion = TopicDeletion(name: topic.name, token: 1, replyTo: topics)
            shard.mailbox.post(.deleteTopic(deletion))
        }

        /// Waits for one condition after the other, and does what follows each. The loop runs once:
        /// what has ended does not begin again.
        func run(_ steps: [(until: () -> Bool, then: () throws -> Void)]) throws {
            let end = loop.now + .seconds(20)
            var done = 0
            var failure: (any Error)?
            func look() {
                do {
                    while done < steps.count, steps[done].until() {
                        try steps[done].then()
                        done += 1
                    }
                } catch {
                    failure = error
                }
                if done == steps.count || failure != nil || loop.now > end { return loop.stop() }
                loop.schedule(at: loop.now + .milliseconds(1)) { look() }
            }
            look()
            loop.run()
            if let failure { throw failure }
            #expect(done == steps.count)
        }
    }

    private final class Inbox { weak var bench: Bench? }

    @Test func `a compacted topic is cleaned beside its appends`() throws {
        let bench = try Bench()
        for number in 0..<40 { try bench.append("k\(number % 3)") }
        let counters = bench.shard.counters.cleaner
        let isCleaned = {
            bench.replies == 40 && counters.recordsRemoved.count >= 30
                && counters.running.value == 0
        }
        try bench.run([(isCleaned, {})])
        #expect(counters.segmentsReplaced.count > 5 && counters.bytesRead.count > 500_000)
        #expect(counters.failed.count == 0 && bench.pool.used == .zero)
        let reader = try #require(bench.topic.reader(0))
        #expect(reader.highWatermark == Offset(40) && reader.logStartOffset == .zero)
    }

    @Test func `a throttled cleaning does not hold up appends`() throws {
        let bench = try Bench(bytesPerSecond: .kibibytes(64))
        for number in 0..<20 { try bench.append("k\(number % 3)") }
        let counters = bench.shard.counters.cleaner
        let isUnderWay = { bench.replies == 20 && counters.running.value == 1 }
        let isAppended = { bench.replies == 120 }
        let isOver = { counters.aborted.count == 1 && counters.running.value == 0 }
        try bench.run([
            (isUnderWay, { for n in 0..<100 { try bench.append("n\(n)", valueBytes: 100) } }),
            (
                isAppended,
                {
                    // At this rate the cleaning takes seconds: it was under way all the time.
                    let isRunning = counters.running.value == 1
                    #expect(isRunning && counters.cleanings.snapshot.count == 0)
                    bench.delete()
                }
            ), (isOver, {}),
        ])
        #expect(bench.pool.used == .zero)
    }
}
