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
        private let appends: Mailbox<AppendReply>
        /// How many it showed when each record was answered.
        private(set) var topicsSeenByAppends: [Int] = []
        var answered: (TopicReply) -> Void = { _ in }
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
            appends = loop.makeMailbox { inbox.bench?.take($0) }
            shard.open(store)
            inbox.bench = self
        }

        private func take(_ new: [TopicReply]) {
            replies += new
            new.forEach(answered)
            topicsSeen += new.map { _ in topicsShown }
        }

        private func take(_ new: [AppendReply]) {
            topicsSeenByAppends += new.map { _ in topicsShown }
        }

        private var topicsShown: Int { catalog.snapshot.topics.count { !$0.isInternal } }

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

        func alter(_ name: String, _ changes: [String: String?], validateOnly: Bool = false) throws
        {
            token += 1
            let alteration = TopicAlteration(
                name: try #require(TopicName(name)),
                changes: changes,
                validateOnly: validateOnly,
                token: token,
                replyTo: mailbox
            )
            shard.mailbox.post(.alterTopic(alteration))
        }

        func add(_ name: String, total: Int32) throws {
            token += 1
            let name = try #require(TopicName(name))
            let addition = PartitionAddition(
                name: name,
                total: total,
                token: token,
                replyTo: mailbox
            )
            shard.mailbox.post(.addPartitions(addition))
        }

        func append(to partition: PartitionHandle) {
            let batch = SealedBatch()
            BatchPool.shared.batch(0, of: 0).bytes.withUnsafeBytes { batch.bytes.writeBytes($0) }
            let request = AppendRequest(
                partition: partition,
                batch: batch,
                needsSync: true,
                replyTo: appends
            )
            shard.mailbox.post(.append(request))
        }

        func fail(_ operation: FileSystemError.Operation, pathSuffix: String) {
            var faults = SimulatedFaults()
            faults.fail(operation, pathSuffix: pathSuffix, reason: .io)
            fileSystem.setFaults(faults)
        }

        /// What each answer was, the topics that it succeeded for left out.
        var refusals: [String] {
            replies.compactMap { reply in
                switch reply.outcome {
                case .success: nil
                case .failure(.exists(let entry)): "exists \(entry.name)"
                case .failure(.unknown): "unknown"
                case .failure(.badPartitionCount): "count"
                case .failure(.badSetting(let error)): error.key
                case .failure(.tooManyPartitions(let most)): "most \(most)"
                case .failure(.isInternal): "internal"
                case .failure(.storage(let error)): "\(error)"
                }
            }
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
        #expect(bench.catalog.generation > generation)
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
        #expect(
            bench.refusals == [
                "exists a", "most 3", "count", "retention.ms", "internal", "unknown",
            ]
        )
    }

    @Test func `a topic's settings change while it is there`() throws {
        let bench = try Bench()
        try bench.create("plant", 1, ["retention.ms": "1000", "segment.ms": "5"])
        try bench.alter("plant", ["retention.ms": "2000", "segment.ms": nil])
        try bench.alter("plant", ["retention.ms": "9"], validateOnly: true)
        bench.run(untilReplies: 3)
        let changed = try bench.replies[1].outcome.get()
        #expect(changed.overrides == ["retention.ms": "2000"])
        #expect(changed.settings.retentionTime == .seconds(2))
        #expect(changed.settings.log.segmentAge == .days(7))
        #expect(try bench.replies[2].outcome.get().settings.retentionTime == .milliseconds(9))
        let seen = try #require(bench.catalog.snapshot.topics.first { !$0.isInternal })
        #expect(seen.overrides == changed.overrides && seen.settings == changed.settings)
        #expect(seen.partitions[0]?.handle == (try bench.replies[0].outcome.get().handles[0]))
    }

    @Test func `partitions are added behind those that are there`() throws {
        let bench = try Bench()
        try bench.create("plant", 2)
        try bench.add("plant", total: 5)
        bench.run(untilReplies: 2)
        let made = try bench.replies[0].outcome.get()
        let grown = try bench.replies[1].outcome.get()
        #expect(grown.id == made.id && grown.partitions.count == 5)
        #expect(Array(grown.handles.prefix(2)) == made.handles)
        #expect(Set(grown.handles).count == 5)
        #expect(bench.catalog.snapshot.topics.contains { $0.partitions.count == 5 })
    }

    @Test func `what comes while a large topic is built waits for it, in its order`() throws {
        let bench = try Bench(partitionsMax: 300)
        try bench.create("large", 100)
        try bench.create("large", 1)
        try bench.add("large", total: 201)
        try bench.alter("large", ["retention.ms": "7"])
        try bench.create("small", 1)
        try bench.delete("large")
        bench.run(untilReplies: 6)
        #expect(bench.replies.map(\.token) == [1, 2, 3, 4, 5, 6])
        #expect(bench.refusals == ["exists large"])
        #expect(try bench.replies[0].outcome.get().partitions.count == 100)
        #expect(Set(try bench.replies[2].outcome.get().handles).count == 201)
        #expect(bench.topicsSeen[0] == 1)
        let names = bench.catalog.snapshot.topics.filter { !$0.isInternal }.map(\.name.description)
        #expect(names == ["small"])
    }

    @Test func `records are stored while a large topic is built`() throws {
        let bench = try Bench(partitionsMax: 300)
        try bench.create("small", 1)
        try bench.create("large", 100)
        bench.answered = { [unowned bench] reply in
            guard reply.token == 1, case .success(let small) = reply.outcome else { return }
            bench.append(to: small.handles[0])
        }
        bench.run(untilReplies: 2)
        #expect(bench.topicsSeenByAppends == [1])
    }

    @Test func `a large topic that cannot be built leaves nothing, and holds up nobody`() throws {
        let bench = try Bench(partitionsMax: 300)
        bench.fail(.createDirectory, pathSuffix: "/large-50.headwater-new")
        try bench.create("large", 100)
        try bench.create("small", 1)
        bench.run(untilReplies: 2)
        #expect(bench.refusals.count == 1)
        #expect(bench.topicsSeen.last == 1)
        let left = try bench.fileSystem.list("/data").map(\.name)
        #expect(!left.contains { $0.hasPrefix("large") })
    }

    @Test func `a loop that ends in the midst of a topic has made none`() throws {
        let bench = try Bench(partitionsMax: 300)
        try bench.create("large", 100)
        bench.shard.mailbox.post(.stop)
        bench.loop.run()
        let identity = PartitionStoreIdentity(nodeID: 1, clusterID: .zero, directoryID: .zero)
        let store = try PartitionStore.open(path: "/data", fileSystem: bench.fileSystem) {
            identity
        }
        let topics = TopicCatalogSnapshot(of: store).topics
        #expect(topics.allSatisfy { $0.isInternal })
        let left = try bench.fileSystem.list("/data").map(\.name)
        #expect(!left.contains { $0.hasPrefix("large") })
    }

    @Test func `a change that cannot be is refused with the reason, and changes nothing`() throws {
        let bench = try Bench(partitionsMax: 4)
        try bench.create("a", 2, ["retention.ms": "1000"])
        try bench.alter("a", ["retention.ms": "7", "segment.bytes": "much"])
        try bench.alter("a", ["colour": nil])
        try bench.alter("b", ["retention.ms": "7"])
        try bench.alter("__own", ["retention.ms": "7"])
        try bench.add("a", total: 2)
        try bench.add("a", total: 5)
        try bench.add("b", total: 5)
        try bench.add("__own", total: 5)
        bench.run(untilReplies: 9)
        #expect(
            bench.refusals == [
                "segment.bytes", "colour", "unknown", "internal", "count", "most 4", "unknown",
                "internal",
            ]
        )
        let topic = try #require(bench.catalog.snapshot.topics.first { !$0.isInternal })
        #expect(topic.overrides == ["retention.ms": "1000"] && topic.partitions.count == 2)
    }
}
