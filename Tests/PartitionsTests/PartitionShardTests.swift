import BrokerModel
import CommitLog
import EventLoop
import HeadwaterTesting
import Partitions
import Testing

/// A shard on a loop of the test's own thread, over a simulated disk.
private final class ShardBench {
    let loop: EventLoop
    let shard: PartitionShard
    let fileSystem = SimulatedFileSystem()
    let store: PartitionStore
    private(set) var replies: [AppendReply] = []
    private(set) var reports: [PartitionShardReport] = []
    private let inbox: ReplyInbox
    private let mailbox: Mailbox<AppendReply>
    private var partitions: [PartitionHandle] = []
    private var published: UInt8 = 0

    init(commitInterval: Duration = .seconds(60)) throws {
        let spare = MemoryPool(name: "spare", capacity: .mebibytes(1))
        loop = try EventLoop(settings: EventLoopSettings(input: spare, output: spare))
        var settings = PartitionShardSettings()
        settings.commitInterval = commitInterval
        shard = PartitionShard(loop: loop, settings: settings)
        store = try PartitionStore.open(
            path: "/data",
            fileSystem: fileSystem,
            newIdentity: { PartitionStoreIdentity(nodeID: 1, clusterID: .zero, directoryID: .zero) }
        )
        let inbox = ReplyInbox()
        self.inbox = inbox
        mailbox = loop.makeMailbox { inbox.bench?.take($0) }
        for name in ["a", "b"] {
            let topic = try #require(TopicName(name))
            let id = UUIDBytes(high: 1, low: UInt64(partitions.count))
            partitions += try store.createTopic(topic, id: id, partitions: 1).handles
        }
        shard.open(store)
        inbox.bench = self
        shard.report = { [unowned self] in reports.append($0) }
    }

    private func take(_ replies: [AppendReply]) { self.replies += replies }

    /// Requests made before the loop runs reach the shard as one group.
    @discardableResult
    func append(
        to partition: Int = 0,
        needsSync: Bool,
        isMalformed: Bool = false,
        sequences: [Int32] = []
    ) -> SealedBatch {
        let batch = SealedBatch()
        var bytes = BatchPool.shared.batch(0, of: 0).bytes
        for sequence in sequences {
            bytes.withUnsafeMutableBytes {
                IdempotentBatch.stamp($0, producerID: 5, epoch: 0, sequence: sequence)
            }
            bytes.withUnsafeBytes { batch.bytes.writeBytes($0) }
        }
        batch.hasProducerIDs = !sequences.isEmpty
        if sequences.isEmpty { bytes.withUnsafeBytes { batch.bytes.writeBytes($0) } }
        if isMalformed { batch.bytes.truncate(to: 20) }
        let request = AppendRequest(
            partition: partitions[partition],
            batch: batch,
            needsSync: needsSync,
            replyTo: mailbox
        )
        shard.mailbox.post(.append(request))
        return batch
    }

    func fail(_ operation: FileSystemError.Operation, pathSuffix: String) {
        var faults = SimulatedFaults()
        faults.fail(operation, pathSuffix: pathSuffix, reason: .io)
        fileSystem.setFaults(faults)
    }

    /// Runs the loop until so many replies have come, and then to its end.
    func run(untilReplies count: Int, and condition: @escaping () -> Bool = { true }) {
        func look() {
            if replies.count >= count, condition() { return loop.stop() }
            loop.schedule(at: loop.now + .milliseconds(1)) { look() }
        }
        look()
        loop.run()
    }

    func highWatermark(_ partition: Int) -> Offset {
        store.partition(partitions[partition])?.log.highWatermark ?? .zero
    }
}

private final class ReplyInbox {
    weak var bench: ShardBench?
}

extension AppendReply {
    fileprivate var isSuccess: Bool {
        if case .success = outcome { return true }
        return false
    }
}

@Suite struct PartitionShardTests {
    @Test func `replies keep the order of their requests, whoever waits for the sync`() throws {
        let bench = try ShardBench()
        let batches = [true, false, true, false, false].map { bench.append(needsSync: $0) }
        bench.run(untilReplies: 5)
        let answered = bench.replies.map { ObjectIdentifier($0.batch) }
        #expect(answered == batches.map { ObjectIdentifier($0) })
        #expect(bench.replies.map(\.isSuccess) == [true, true, true, true, true])
    }

    @Test func `a refused batch fails alone, and its reply overtakes nobody's`() throws {
        let bench = try ShardBench()
        let first = bench.append(needsSync: true)
        let refused = bench.append(needsSync: true, isMalformed: true)
        let last = bench.append(needsSync: true)
        bench.run(untilReplies: 3)
        #expect(bench.replies.map { $0.batch === first } == [true, false, false])
        #expect(bench.replies.map { $0.batch === refused } == [false, true, false])
        #expect(bench.replies.map { $0.batch === last } == [false, false, true])
        #expect(bench.replies.map(\.isSuccess) == [true, false, true])
    }

    @Test func `a failed sync fails the whole group on that partition, and no other`() throws {
        let bench = try ShardBench()
        bench.fail(.sync, pathSuffix: "/a-0/00000000000000000000.log")
        for partition in [0, 1] {
            bench.append(to: partition, needsSync: true)
            bench.append(to: partition, needsSync: false)
        }
        bench.run(untilReplies: 4)
        #expect(bench.replies.map(\.isSuccess) == [false, false, true, true])
        #expect(bench.highWatermark(0) == .zero)
        #expect(bench.highWatermark(1) > .zero)
    }

    @Test func `a write that fails in the middle of a group fails what came before it`() throws {
        let bench = try ShardBench()
        bench.append(needsSync: true)
        bench.run(untilReplies: 1)
        #expect(bench.replies.map(\.isSuccess) == [true])

        let other = try ShardBench()
        other.append(needsSync: true)
        other.append(needsSync: true)
        other.fail(.write, pathSuffix: "/a-0/00000000000000000000.log")
        other.append(needsSync: true)
        other.run(untilReplies: 3)
        #expect(other.replies.map(\.isSuccess) == [false, false, false])
        #expect(other.highWatermark(0) == .zero)
    }

    @Test func `what nobody waits for is answered at once, and synced after the interval`() throws {
        let bench = try ShardBench(commitInterval: .milliseconds(20))
        let syncs = bench.fileSystem.counters.syncs
        let before = syncs.count
        bench.append(needsSync: false)
        var syncsAtReply: Int?
        bench.run(untilReplies: 1) {
            if syncsAtReply == nil { syncsAtReply = syncs.count }
            return bench.highWatermark(0) > .zero
        }
        #expect(syncsAtReply == before)
        #expect(syncs.count == before + 1)
    }

    @Test func `records that nobody waited for are counted when their sync fails`() throws {
        let bench = try ShardBench(commitInterval: .milliseconds(5))
        bench.fail(.sync, pathSuffix: "/a-0/00000000000000000000.log")
        let batches = (0..<3).map { _ in bench.append(needsSync: false) }
        let lost = bench.shard.counters.unacknowledgedRecordsLost
        bench.run(untilReplies: 3) { bench.shard.counters.commitsFailed.count > 0 }
        #expect(bench.replies.map(\.isSuccess) == [true, true, true])
        let records = bench.shard.counters.records.count
        #expect(records >= batches.count && lost.count == records)
        #expect(bench.highWatermark(0) == .zero)
    }

    @Test func `a duplicate is answered once its original is synced, and fails with it`() throws {
        let bench = try ShardBench()
        let records = Int32(BatchPool.shared.batch(0, of: 0).recordCount)
        let first = bench.append(needsSync: false, sequences: [0])
        let again = bench.append(needsSync: true, sequences: [0, records, 9_999])
        bench.run(untilReplies: 2)
        #expect(first.outcomes == [.appended(.zero)])
        #expect(again.outcomes.count == 3)
        guard case .duplicate(let offset, _) = again.outcomes[0] else {
            Issue.record("\(again.outcomes[0])")
            return
        }
        #expect(offset == .zero)
        #expect(again.outcomes[1] == .appended(Offset(Int64(records))))
        #expect(bench.highWatermark(0) == Offset(2 * Int64(records)))
        let counters = bench.shard.counters
        #expect(counters.duplicates.count == 1 && counters.sequencesRefused.count == 1)
        #expect(counters.records.count == Int(2 * records))

        let broken = try ShardBench()
        broken.append(needsSync: false, sequences: [0])
        broken.append(needsSync: true, sequences: [0])
        broken.fail(.sync, pathSuffix: "/a-0/00000000000000000000.log")
        broken.run(untilReplies: 2)
        #expect(broken.replies.map(\.isSuccess) == [false, false])
    }

    @Test func `a stop syncs what nobody waited for and closes the store with its mark`() throws {
        let bench = try ShardBench()
        bench.append(needsSync: false)
        bench.shard.mailbox.post(.stop)
        bench.loop.run()
        #expect(bench.highWatermark(0) > .zero)
        #expect(bench.fileSystem.contents("/data/.kafka_cleanshutdown") != nil)
        #expect(bench.reports.isEmpty)
    }
}
