import BrokerModel
import KafkaServer
import KafkaWire
import Partitions
import Testing

@Suite struct OffsetRequestTests {
    typealias Topics = [String: ProducingBroker.Topic]

    static let topics: Topics = [
        "t": .init(partitions: 4), "u": .init(), "wide": .init(partitions: 256),
        "__consumer_offsets": .init(),
    ]

    private func broker(_ change: (inout OffsetSettings) -> Void = { _ in }) throws
        -> ProducingBroker
    {
        var settings = KafkaServerSettings()
        change(&settings.offsets)
        return try ProducingBroker(Self.topics, settings: settings)
    }

    // MARK: Versions

    @Test(arguments: Int16(2)...10)
    func `every version commits an offset with what it has beside it`(version: Int16) throws {
        let broker = try broker()
        let client = try broker.connect()
        let id = version >= 10 ? try broker.topicID("t") : .zero
        let codes = try client.commit([1: 42], id: id, metadata: "half", epoch: 3, version)
        #expect(codes == [.none])
        let epoch: Int32 = version >= 6 ? 3 : -1
        #expect(
            try client.committed(1) == FetchedOffset(offset: 42, metadata: "half", epoch: epoch)
        )
    }

    @Test(arguments: Int16(1)...10)
    func `every version fetches what was committed, and says when nothing was`(
        version: Int16
    ) throws {
        let broker = try broker()
        let client = try broker.connect()
        #expect(try client.commit([0: 7], metadata: nil, epoch: 2) == [.none])
        let id = version >= 10 ? try broker.topicID("t") : .zero
        let epoch: Int32 = version >= 5 ? 2 : -1
        #expect(
            try client.committed(0, id: id, version) == FetchedOffset(offset: 7, epoch: epoch)
        )
        #expect(try client.committed(2, id: id, version) == FetchedOffset())
        #expect(try client.committed(0, id: id, group: "nobody", version) == FetchedOffset())
        #expect(
            try client.committed(0, of: "none", version)
                == FetchedOffset(
                    code: version >= 10 ? .unknownTopicID : .none
                )
        )
    }

    @Test(arguments: [2, 5, 7, 8, 9, 10] as [Int16])
    func `without topics everything that a group has committed is fetched`(version: Int16) throws {
        let broker = try broker()
        let client = try broker.connect()
        #expect(try client.commit([0: 7, 3: 9]) == [.none, .none])
        #expect(try client.commit([0: 1], of: "u") == [.none])
        #expect(try client.commit([0: 5], group: "h") == [.none])
        if version < 10 {
            #expect(try client.allCommitted("g", version) == ["t-0": 7, "t-3": 9, "u-0": 1])
        } else {
            let groups = try client.fetchOffsets([.init(groupID: "g", topics: nil)], version)
            let offsets = groups[0].topics.flatMap(\.partitions).map(\.committedOffset.rawValue)
            #expect(offsets.sorted() == [1, 7, 9] && !groups[0].topics.contains { $0.id == .zero })
        }
    }

    @Test func `several groups are fetched at once`() throws {
        let broker = try broker()
        let client = try broker.connect()
        #expect(try client.commit([0: 7], group: "a") == [.none])
        #expect(try client.commit([0: 8], group: "b") == [.none])
        let groups = try client.fetchOffsets(
            ["a", "b", "c"].map { .init(groupID: $0, topics: nil) }
        )
        #expect(groups.map(\.groupID) == ["a", "b", "c"])
        #expect(
            groups.map { $0.topics.flatMap(\.partitions).map(\.committedOffset.rawValue) }
                == [[7], [8], []]
        )
    }

    // MARK: Refusals

    @Test func `partitions that are not there are refused one by one`() throws {
        let broker = try broker()
        let client = try broker.connect()
        #expect(
            try client.commit([0: 1, 9: 1, -1: 1]) == [
                .unknownTopicOrPartition, .none, .unknownTopicOrPartition,
            ]
        )
        #expect(try client.commit([0: 1], of: "none") == [.unknownTopicOrPartition])
        #expect(try client.commit([0: 1], of: "../t") == [.unknownTopicOrPartition])
        let id = UUIDBytes(high: 9, low: 9)
        #expect(try client.commit([0: 1], id: id, 10) == [.unknownTopicID])
        #expect(try client.allCommitted() == ["t-0": 1])
    }

    @Test func `too much metadata is refused, as much as is allowed is kept`() throws {
        let broker = try broker { $0.metadataLengthMax = 10 }
        let client = try broker.connect()
        #expect(try client.commit([0: 1], metadata: "eleven char") == [.offsetMetadataTooLarge])
        #expect(try client.commit([0: 2], metadata: "ten charsä") == [.none])
        #expect(try client.committed() == FetchedOffset(offset: 2, metadata: "ten charsä"))
    }

    @Test func `a generation of a group that is not there is refused, by version`() throws {
        let broker = try broker()
        let client = try broker.connect()
        #expect(try client.commit([0: 1], generation: 3, 8) == [.illegalGeneration])
        #expect(try client.commit([0: 1], generation: 3, 9) == [.groupIDNotFound])
        #expect(try client.committed() == FetchedOffset())
    }

    @Test func `of a partition that a commit names twice the later offset is kept`() throws {
        let broker = try broker()
        let client = try broker.connect()
        func commit(_ offsets: [(Int32, Int64, String)]) throws -> [KafkaErrorCode] {
            let partitions = offsets.map { index, offset, metadata in
                var partition = OffsetCommitRequest.Partition(
                    index: index,
                    committedOffset: Offset(offset)
                )
                partition.committedMetadata = metadata
                return partition
            }
            let request = OffsetCommitRequest(
                groupID: "g",
                topics: [.init(name: "t", partitions: partitions)]
            )
            let number = try client.send(.offsetCommit, 9) { request.write(to: &$0, version: 9) }
            return try client.receiveCommit(number)
        }
        #expect(try commit([(0, 9, ""), (1, 5, ""), (0, 3, "")]) == [.none, .none, .none])
        #expect(try client.allCommitted() == ["t-0": 3, "t-1": 5])
        #expect(broker.counters.offsetsCommitted.count == 2)
        let long = String(repeating: "m", count: 5_000)
        let codes = try commit([(0, 8, ""), (2, 4, ""), (0, 7, long)])
        #expect(codes == [.offsetMetadataTooLarge, .none, .offsetMetadataTooLarge])
        #expect(try client.allCommitted() == ["t-0": 3, "t-1": 5, "t-2": 4])
    }

    @Test func `a group that is asked for twice is told of once`() throws {
        let broker = try broker()
        let client = try broker.connect()
        #expect(try client.commit([0: 1]) == [.none])
        let all = OffsetFetchRequest.Group(groupID: "g", topics: nil)
        #expect(try client.fetchOffsets([all, all]).map(\.groupID) == ["g"])
    }

    @Test func `without room a commit is refused at once, and counted`() throws {
        let broker = try ProducingBroker(Self.topics, groupMemory: .kibibytes(2))
        let client = try broker.connect()
        let long = String(repeating: "m", count: 1_500)
        #expect(try client.commit([0: 1]) == [.none])
        #expect(try client.commit([1: 1], metadata: long) == [.invalidCommitOffsetSize])
        #expect(try client.commit([0: 2]) == [.none])
        #expect(broker.counters.offsetsRefused.count == 1)
        #expect(try client.allCommitted() == ["t-0": 2])
    }

    @Test func `without their topic nobody is told that nothing was committed`() throws {
        let broker = try ProducingBroker(["t": .init()])
        let client = try broker.connect()
        #expect(try client.commit([0: 1]) == [.coordinatorNotAvailable])
        let groups = try client.fetchOffsets([.init(groupID: "g", topics: nil)])
        #expect(groups.map(\.errorCode) == [.coordinatorNotAvailable])
        #expect(try client.committed(0, 1).code == .coordinatorNotAvailable)
    }

    // MARK: Deleting

    @Test func `offsets are deleted one by one, and what is not there is not missed`() throws {
        let broker = try broker()
        let client = try broker.connect()
        #expect(try client.commit([0: 1, 1: 2]) == [.none, .none])
        let deleted = try client.deleteOffsets([0, 2, 9])
        #expect(deleted.group == .none)
        #expect(deleted.partitions == [.none, .none, .unknownTopicOrPartition])
        #expect(try client.allCommitted() == ["t-1": 2])
    }

    @Test func `deleting says why it does not`() throws {
        let broker = try broker()
        let client = try broker.connect()
        #expect(try client.deleteOffsets([0]).group == .groupIDNotFound)
        #expect(try client.deleteOffsets([0], group: "").group == .invalidGroupID)
        let unknown = try client.deleteOffsets([0], of: "none")
        #expect(unknown.group == .none && unknown.partitions == [.unknownTopicOrPartition])
    }

    @Test func `a deleted topic takes its offsets along, and leaves its heirs none`() throws {
        let broker = try broker()
        let client = try broker.connect()
        #expect(try client.commit([0: 8], of: "u") == [.none])
        #expect(try client.commit([0: 1]) == [.none])
        try client.deleteTopic("u")
        try client.createTopic("u")
        #expect(try client.committed(0, of: "u") == FetchedOffset())
        broker.expectEventually { broker.counters.offsetsOfDeletedTopics.count == 1 }
        #expect(try client.allCommitted() == ["t-0": 1])
    }

    // MARK: Age

    @Test func `offsets that nobody renews are forgotten, and their group with them`() throws {
        let broker = try broker {
            $0.retention = .milliseconds(300)
            $0.retentionCheckInterval = .milliseconds(20)
        }
        let client = try broker.connect()
        #expect(try client.commit([0: 8]) == [.none])
        broker.expectEventually { (try? client.allCommitted().isEmpty) == true }
        broker.expectEventually {
            (try? client.deleteOffsets([0]).group) == .groupIDNotFound
        }
        #expect(broker.counters.offsetsExpired.count == 1)
    }

    @Test func `an old client's own retention holds instead of the broker's`() throws {
        let broker = try broker { $0.retentionCheckInterval = .milliseconds(20) }
        let client = try broker.connect()
        #expect(try client.commit([0: 8]) == [.none])
        #expect(try client.commit([1: 8], retention: 200, 4) == [.none])
        broker.expectEventually { (try? client.allCommitted()) == ["t-0": 8] }
    }

    @Test func `metrics are told of what groups have committed`() throws {
        let broker = try broker()
        let client = try broker.connect()
        #expect(try client.produce(try ProducerBatch.make([[1], [2], [3]])).errorCode == .none)
        #expect(try client.commit([0: 1, 1: 0]) == [.none, .none])
        broker.expectEventually { broker.groupLag.current.entries.count == 2 }
        let entries = broker.groupLag.current.entries
        #expect(entries.map { $0.lag(in: broker.catalog.snapshot) } == [2, 0])
        #expect(entries.map(\.committed.rawValue) == [1, 0])
    }
}
