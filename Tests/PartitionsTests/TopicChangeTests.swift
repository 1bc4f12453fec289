import BrokerModel
import CommitLog
import EventLoop
import HeadwaterTesting
import Partitions
import Synchronization
import Testing

/// Topics that come and go while the storage loop runs.
@Suite struct TopicChangeTests {
    /// A shard, and what it answered about topics.
    private final class Bench {
        let loop: EventLoop
        let shard: PartitionShard
        let catalog = TopicCatalog()
        let fileSystem = SimulatedFileSystem()
        private(set) var replies: [TopicReply] = []
        /// How many topics the catalog showed when each reply came.
        private(set) var topicsSeen: [Int] = []
        private let inbox = Inbox()
        private let mailbox: Mailbox<TopicReply>
        private var token: UInt64 = 0

        init(partitionsMax: Int = 10) throws {
            let spare = MemoryPool(name: "spare", capacity: .mebibytes(1))
            loop = try EventLoop(settings: EventLoopSettings(input: spare, output: spare))
            shard = PartitionShard(
                loop: loop,
                settings: PartitionShardSettings(),
                catalog: catalog
            )
            var creation = TopicCreationSettings()
            creation.partitionsMax = partitionsMax
            let identity = PartitionStoreIdentity(nodeID: 1, clusterID: .zero, directoryID: .zero)
            let store = try PartitionStore.open(
                path: "/data",
                fileSystem: fileSystem,
                creation: creation,
                newIdentity: { identity }
            )
            let inbox = inbox
            mailbox = loop.makeMailbox { inbox.bench?.take($0) }
            shard.open(store)
            inbox.bench = self
        }

        private func take(_ new: [TopicReply]) {
            replies += new
            topicsSeen += new.map { _ in catalog.snapshot.topics.count { !$0.isInternal } }
        }

        func create(_ name: String, _ partitions: Int32, _ overrides: [String: String] = [:]) throws
        {
            token += 1
            let creation = TopicCreation(
                name: try #require(TopicName(name)),
                partitions: partitions,
                overrides: overrides,
                token: token,
                replyTo: mailbox
            )
            shard.mailbox.post(.createTopic(creation))
        }

        func delete(_ name: String) throws {
            token += 1
            let name = try #require(TopicName(name))
            shard.mailbox.post(
                .deleteTopic(TopicDeletion(name: name, token: token, replyTo: mailbox))
            )
        }

        func run(untilReplies count: Int) {
            func look() {
                if replies.count >= count { return loop.stop() }
                loop.schedule(at: loop.now + .milliseconds(1)) { look() }
            }
            look()
            loop.run()
        }
    }

    private final class Inbox { var bench: Bench? }

    @Test func `a topic is in the catalog before its maker hears of it, and gone likewise`() throws
    {
        let bench = try Bench()
        let generation = bench.catalog.generation
        try bench.create("plant", 2, ["retention.ms": "1000"])
        try bench.delete("plant")
        bench.run(untilReplies: 2)
        let made = try bench.replies[0].outcome.get()
        #expect(made.partitions.count == 2)
        #expect(made.overrides == ["retention.ms": "1000"])
        #expect(made.settings.retentionTime == .seconds(1))
        #expect(try bench.replies[1].outcome.get().id == made.id)
        #expect(bench.replies.map(\.token) == [1, 2])
        #expect(bench.catalog.generation == generation + 2)
        #expect(bench.catalog.snapshot.topics.filter { !$0.isInternal }.isEmpty)
    }

    @Test func `a topic that cannot be is refused with the reason`() throws {
        let bench = try Bench(partitionsMax: 3)
        try bench.create("a", 2)
        try bench.create("a", 2)
        try bench.create("b", 2)
        try bench.create("b", 0)
        try bench.create("b", 1, ["retention.ms": "soon"])
        try bench.create("__own", 1)
        try bench.delete("b")
        bench.run(untilReplies: 7)
        let refusals = bench.replies.dropFirst().map { reply -> String in
            switch reply.outcome {
            case .success: "none"
            case .failure(.exists(let entry)): "exists \(entry.name)"
            case .failure(.unknown): "unknown"
            case .failure(.badPartitionCount): "count"
            case .failure(.badSetting(let error)): error.key
            case .failure(.tooManyPartitions(let most)): "most \(most)"
            case .failure(.isInternal): "internal"
            case .failure(.storage(let error)): "\(error)"
            }
        }
        #expect(
            refusals == ["exists a", "most 3", "count", "retention.ms", "internal", "unknown"]
        )
    }
}
