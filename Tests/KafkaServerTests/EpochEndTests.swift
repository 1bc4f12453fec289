import BrokerModel
import HeadwaterTesting
import KafkaServer
import KafkaWire
import Testing

@Suite struct EpochEndTests {
    private func end(
        of epoch: Int32,
        _ client: TestClient,
        believing current: Int32 = -1,
        topic: String = "t",
        partition: Int32 = 0,
        version: Int16 = 4
    ) throws -> OffsetForLeaderEpochResponse.Partition {
        var wanted = OffsetForLeaderEpochRequest.Partition(
            index: partition,
            leaderEpoch: LeaderEpoch(epoch)
        )
        wanted.currentLeaderEpoch = LeaderEpoch(current)
        let block = OffsetForLeaderEpochRequest.Topic(name: topic, partitions: [wanted])
        let request = OffsetForLeaderEpochRequest(topics: [block])
        let id = try client.send(.offsetForLeaderEpoch, version) {
            request.write(to: &$0, version: version)
        }
        let topics = try client.receive(.offsetForLeaderEpoch, version, id) {
            try OffsetForLeaderEpochResponse(reading: &$0, version: version).topics
        }
        #expect(topics.map(\.name) == [topic])
        return try #require(topics.first?.partitions.first)
    }

    @Test(arguments: 2...4 as ClosedRange<Int16>)
    func `an epoch ends where the next one began, and the last one at the log's end`(
        version: Int16
    ) throws {
        let broker = try restarted()
        try broker.append([[2], [3]])
        broker.commit()
        let client = try broker.connect()
        let first = try end(of: 0, client, version: version)
        #expect(first.errorCode == .none)
        #expect(first.leaderEpoch == .zero && first.endOffset == Offset(1))
        let last = try end(of: 1, client, believing: 1, version: version)
        #expect(last.errorCode == .none)
        #expect(last.leaderEpoch == LeaderEpoch(1) && last.endOffset == Offset(3))
    }

    @Test func `an epoch that the log does not know has no end`() throws {
        let broker = try restarted()
        let client = try broker.connect()
        for epoch: Int32 in [2, .max, -1, .min] {
            let unknown = try end(of: epoch, client)
            #expect(unknown.errorCode == .none)
            #expect(unknown.leaderEpoch == .none && unknown.endOffset == Offset(-1))
        }
    }

    @Test func `who believes in another leader epoch is told so`() throws {
        let broker = try restarted()
        let client = try broker.connect()
        #expect(try end(of: 0, client, believing: 0).errorCode == .fencedLeaderEpoch)
        #expect(try end(of: 0, client, believing: 2).errorCode == .unknownLeaderEpoch)
        #expect(try end(of: 0, client, believing: 1).errorCode == .none)
    }

    @Test func `unknown topics and partitions are told`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        #expect(try end(of: 0, client, topic: "u").errorCode == .unknownTopicOrPartition)
        #expect(try end(of: 0, client, partition: 1).errorCode == .unknownTopicOrPartition)
        #expect(try end(of: 0, client, partition: -1).errorCode == .unknownTopicOrPartition)
        #expect(try end(of: 0, client, topic: "a b").errorCode == .unknownTopicOrPartition)
    }
}
