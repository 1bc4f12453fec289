import BrokerModel
import KafkaServer
import KafkaWire
import Partitions
import Testing

/// What ends a wait before its time.
@Suite struct FetchEndTests {
    private static let longTime: Int32 = 60_000

    private func delete(_ topic: String, by client: TestClient) throws {
        let request = DeleteTopicsRequest(
            topics: [.init(name: topic)],
            timeoutMilliseconds: 10_000
        )
        let id = try client.send(.deleteTopics, 5) { request.write(to: &$0, version: 5) }
        let answer = try client.receive(.deleteTopics, 5, id) {
            try DeleteTopicsResponse(reading: &$0, version: 5).topics
        }
        #expect(answer.map(\.errorCode) == [.none])
    }

    private func expectWaiting(_ count: Int, at broker: ProducingBroker) {
        broker.expectEventually { broker.counters.longPolls.count == count }
    }

    @Test func `who waits for a topic that is deleted is told at once`() throws {
        let broker = try ProducingBroker(["t": .init(partitions: 2), "u": .init()])
        let (waiting, other) = (try broker.connect(), try broker.connect())
        let byName = FetchRequest.now().waiting(milliseconds: Self.longTime)
        let first = try waiting.send(.fetch, 11) { byName.write(to: &$0, version: 11) }
        expectWaiting(1, at: broker)
        let byID = FetchRequest.now(id: try broker.topicID("t"))
            .waiting(milliseconds: Self.longTime)
        let second = try other.send(.fetch, 13) { byID.write(to: &$0, version: 13) }
        expectWaiting(2, at: broker)
        try delete("t", by: try broker.connect())
        #expect(
            try waiting.receiveFetch(11, first).only.head.errorCode == .unknownTopicOrPartition
        )
        #expect(try other.receiveFetch(13, second).only.head.errorCode == .unknownTopicID)
    }

    @Test func `a session hears of a deleted topic beside one that it goes on with`() throws {
        let broker = try ProducingBroker(["t": .init(), "u": .init()])
        let client = try broker.connect()
        var request = FetchRequest.now()
        request.topics += FetchRequest.now("u").topics
        request.sessionEpoch = 0
        let session = try client.fetch(request, 11).sessionID
        #expect(session > 0)
        func next(_ epoch: Int32, milliseconds: Int32) -> FetchRequest {
            var next = FetchRequest.now().waiting(milliseconds: milliseconds)
            next.topics = []
            next.sessionID = session
            next.sessionEpoch = epoch
            return next
        }
        let waiting = next(1, milliseconds: Self.longTime)
        let id = try client.send(.fetch, 11) { waiting.write(to: &$0, version: 11) }
        expectWaiting(1, at: broker)
        try delete("t", by: try broker.connect())
        let told = try client.receiveFetch(11, id).only.head
        #expect(told.errorCode == .unknownTopicOrPartition)
        // Once told it waits for the other: a client may take its time to ask for metadata.
        let again = next(2, milliseconds: 50)
        #expect(try client.fetch(again, 11).only.head.errorCode == .unknownTopicOrPartition)
        #expect(broker.counters.longPolls.count == 2)
    }

    @Test func `what is not there does not end the wait for what is`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        var request = FetchRequest.now().waiting(milliseconds: Self.longTime)
        request.topics += FetchRequest.now("nowhere").topics
        let id = try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        try broker.expectEventually { $0.waitingFetches == 1 }
        let stored = try broker.append([[1]])
        broker.commit()
        let answer = try client.receiveFetch(11, id)
        #expect(answer.partitions.map(\.head.errorCode) == [.none, .unknownTopicOrPartition])
        #expect(answer.partitions.first?.records == stored)
    }

    @Test func `nobody is a replica of a partition here`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        for (epoch, error) in [
            (LeaderEpoch.none, KafkaErrorCode.notLeaderOrFollower),
            (.zero, .unknownLeaderEpoch),
        ] {
            var request = FetchRequest.now()
            request.replicaID = 3
            request.topics[0].partitions[0].currentLeaderEpoch = epoch
            #expect(try client.fetch(request, 11).only.head.errorCode == error)
        }
    }

    // MARK: Lookups

    private func lookUp(
        _ client: TestClient,
        _ timestamps: [Timestamp],
        milliseconds: Int32
    ) throws -> [ListOffsetsResponse.Partition] {
        var request = ListOffsetsRequest(
            topics: [
                .init(name: "t", partitions: timestamps.map { .init(index: 0, timestamp: $0) })
            ]
        )
        request.timeoutMilliseconds = milliseconds
        let id = try client.send(.listOffsets, 10) { request.write(to: &$0, version: 10) }
        return try client.receive(.listOffsets, 10, id) {
            try ListOffsetsResponse(reading: &$0, version: 10).topics.flatMap(\.partitions)
        }
    }

    @Test func `a lookup that the disk does not answer ends in its time`() throws {
        let disk = ColdDisk()
        let broker = try TestBroker(disk: disk)
        let batch = try broker.append([[UInt8](repeating: 7, count: 10_000)])
        broker.commit()
        disk.cool(below: batch.count)
        disk.hold()
        let client = try broker.connect()
        let time = Timestamp(milliseconds: 0)
        for count in 1...2 {
            let found = try lookUp(client, [time, ListOffsetsPlace.latest], milliseconds: 50)
            #expect(found.map(\.errorCode) == [.requestTimedOut, .none])
            #expect(found.map(\.offset) == [Offset(-1), Offset(1)])
            #expect(broker.counters.lookupsTimedOut.count == count)
        }
        #expect(disk.blocked == 1)
        disk.release()
        #expect(try lookUp(client, [time], milliseconds: 60_000).map(\.offset) == [.zero])
    }

    @Test func `a lookup that finds the readers' queue full ends in its time`() throws {
        let disk = ColdDisk()
        defer { disk.release() }
        var settings = KafkaServerSettings()
        settings.readerThreads = 1
        settings.readerQueueMax = 1
        let broker = try TestBroker(disk: disk, settings: settings)
        let batch = try broker.append([[UInt8](repeating: 7, count: 10_000)])
        broker.commit()
        disk.cool(below: batch.count)
        disk.hold()
        let busy = try (0..<2).map { _ in try broker.connect() }
        for (number, client) in busy.enumerated() {
            let request = FetchRequest.now().waiting(milliseconds: Self.longTime)
            try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
            // The second is not sent before the thread has taken the first out of the queue.
            try broker.expectEventually { service in
                service.readerCounters.accepted.count == number + 1 && disk.blocked == 1
            }
        }
        let client = try broker.connect()
        let found = try lookUp(client, [Timestamp(milliseconds: 0)], milliseconds: 50)
        #expect(found.map(\.errorCode) == [.requestTimedOut])
    }
}
