import BrokerModel
import KafkaServer
import KafkaWire
import Testing

/// Fetch sessions as a client meets them.
@Suite struct FetchSessionAnswerTests {
    private static let longTime: Int32 = 60_000

    private func open(
        _ client: TestClient,
        _ partitions: [Int32] = [0, 1, 2],
        version: Int16 = 11,
        id: UUIDBytes = .zero
    ) throws -> Fetched {
        var request = FetchRequest.now(id: id)
        request.sessionEpoch = 0
        request.topics[0].partitions = partitions.map { .at($0) }
        return try client.fetch(request, version)
    }

    private func next(
        _ session: Int32,
        _ epoch: Int32,
        _ partitions: [FetchRequest.Partition] = [],
        milliseconds: Int32 = 0
    ) -> FetchRequest {
        var request = FetchRequest.now().waiting(milliseconds: milliseconds)
        request.topics = partitions.isEmpty ? [] : [.init(name: "t", partitions: partitions)]
        request.sessionID = session
        request.sessionEpoch = epoch
        return request
    }

    @Test(arguments: 7...18 as ClosedRange<Int16>)
    func `only what is new is told, by every version`(version: Int16) throws {
        let broker = try TestBroker(["t": 3])
        let client = try broker.connect()
        let id = try broker.topicID("t")
        let opened = try open(client, version: version, id: version >= 13 ? id : .zero)
        #expect(opened.errorCode == .none && opened.sessionID > 0)
        #expect(opened.partitions.map(\.head.index) == [0, 1, 2])
        let session = opened.sessionID
        let quiet = try client.fetch(next(session, 1), version)
        #expect(quiet.errorCode == .none && quiet.sessionID == session)
        #expect(quiet.partitions.isEmpty)
        let stored = try broker.append([[1]], to: "t", 1)
        broker.commit()
        let news = try client.fetch(next(session, 2), version)
        #expect(try news.only.head.index == 1)
        #expect(try news.only.records == stored)
        #expect(broker.counters.fetchSessions.value == 1)
        #expect(broker.counters.fetchSessionPartitions.value == 3)
    }

    @Test func `a session goes on by another connection`() throws {
        let broker = try TestBroker(["t": 3])
        let session = try open(try broker.connect()).sessionID
        let stored = try broker.append([[1]])
        broker.commit()
        let other = try broker.connect()
        #expect(try other.fetch(next(session, 1), 11).only.records == stored)
        #expect(
            try other.fetch(next(session, 1), 11).errorCode == .invalidFetchSessionEpoch
        )
    }

    @Test func `a waiting fetch of a session is looked at often and moves it once`() throws {
        let broker = try TestBroker(["t": 3, "u": 1])
        let client = try broker.connect()
        let session = try open(client).sessionID
        var request = next(session, 1, milliseconds: Self.longTime)
        request.bytesMin = 300
        let id = try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        try broker.expectEventually { $0.waitingFetches == 1 }
        var stored: [UInt8] = []
        while stored.count < 300 {
            stored += try broker.append([[1, 2, 3]], to: "t", 2)
            broker.commit()
        }
        let answer = try client.receiveFetch(11, id)
        #expect(answer.errorCode == .none && answer.sessionID == session)
        #expect(try answer.only.records == stored)
        let again = try client.fetch(next(session, 2), 11)
        #expect(again.errorCode == .none && again.partitions.count == 1)
    }

    @Test func `partitions take turns where an answer has no room for all`() throws {
        let broker = try TestBroker(["t": 3])
        let client = try broker.connect()
        let session = try open(client).sessionID
        for partition: Int32 in 0..<3 {
            try broker.append([[UInt8](repeating: 7, count: 500)], to: "t", partition)
        }
        broker.commit()
        var turns: [Int32] = []
        var told: Set<Int32> = []
        for epoch: Int32 in 1...6 {
            var request = next(session, epoch)
            request.bytesMax = 600
            let answer = try client.fetch(request, 11)
            let full = answer.partitions.filter { $0.records?.isEmpty == false }
            #expect(full.count == 1)
            turns += full.map(\.head.index)
            told.formUnion(answer.partitions.map(\.head.index))
            #expect(answer.partitions.count == (epoch == 1 ? 3 : 1), "marks are told once")
        }
        #expect(turns == [0, 1, 2, 0, 1, 2])
        #expect(told == [0, 1, 2])
    }

    @Test func `an error is told each time, and what comes after it`() throws {
        let broker = try TestBroker(["t": 1])
        let client = try broker.connect()
        let session = try open(client, [0, 4]).sessionID
        for epoch: Int32 in 1...2 {
            let answer = try client.fetch(next(session, epoch), 11).only
            #expect(answer.head.index == 4)
            #expect(answer.head.errorCode == .unknownTopicOrPartition)
        }
        let outside = next(session, 3, [.at(0, 99)], milliseconds: Self.longTime)
        #expect(
            try client.fetch(outside, 11).partitions.map(\.head.errorCode)
                == [.offsetOutOfRange, .unknownTopicOrPartition]
        )
        let back = try client.fetch(next(session, 4, [.at(0, 0)]), 11)
        #expect(back.partitions.map(\.head.index) == [0, 4], "its marks are news again")
    }

    @Test func `an answer that a reader thread writes is the session's too`() throws {
        let disk = ColdDisk()
        let broker = try TestBroker(["t": 2], disk: disk)
        let batch = try broker.append([[UInt8](repeating: 7, count: 10_000)])
        broker.commit()
        disk.cool(below: batch.count)
        let client = try broker.connect()
        let opened = try open(client, [0, 1])
        #expect(opened.sessionID > 0)
        #expect(opened.partitions.map { $0.records?.count } == [batch.count, 0])
        let again = try client.fetch(next(opened.sessionID, 1), 11)
        #expect(try again.only.records == batch)
        #expect(broker.counters.coldFetches.count == 2)
        let end = try client.fetch(next(opened.sessionID, 2, [.at(0, 1)]), 11)
        #expect(end.errorCode == .none && end.partitions.isEmpty)
    }

    @Test func `a read that hangs costs a session an empty answer and nothing else`() throws {
        let disk = ColdDisk()
        let broker = try TestBroker(["t": 2], disk: disk)
        let client = try broker.connect()
        let session = try open(client, [0, 1]).sessionID
        let batch = try broker.append([[UInt8](repeating: 7, count: 10_000)])
        broker.commit()
        disk.cool(below: batch.count)
        disk.hold()
        let late = try client.fetch(next(session, 1), 11)
        #expect(late.errorCode == .none && late.sessionID == session)
        #expect(late.partitions.map { $0.records ?? [1] } == [[]], "a mark has moved")
        disk.release()
        let request = next(session, 2, milliseconds: Self.longTime)
        #expect(try client.fetch(request, 11).only.records == batch)
    }

    @Test func `a partition that is added later is read from then on`() throws {
        let broker = try TestBroker(["t": 3])
        let client = try broker.connect()
        let session = try open(client, [0]).sessionID
        let stored = try broker.append([[1]], to: "t", 2)
        broker.commit()
        #expect(try client.fetch(next(session, 1), 11).partitions.isEmpty)
        #expect(try client.fetch(next(session, 2, [.at(2)]), 11).only.records == stored)
    }

    @Test func `hundreds of partitions have news in one answer`() throws {
        let broker = try TestBroker(["t": 300])
        let client = try broker.connect()
        for version: Int16 in [11, 12] {
            let session = try open(client, Array(0..<300), version: version).sessionID
            for partition: Int32 in 0..<300 { try broker.append([[1]], to: "t", partition) }
            broker.commit()
            let answer = try client.fetch(next(session, 1), version)
            #expect(answer.partitions.map(\.head.index) == Array(0..<300))
            #expect(answer.partitions.allSatisfy { $0.records?.isEmpty == false })
        }
    }

    @Test func `without slots every fetch is a full one`() throws {
        var settings = KafkaServerSettings()
        settings.fetchSessionsMax = 0
        let broker = try TestBroker(["t": 3], settings: settings)
        let client = try broker.connect()
        for _ in 0..<2 {
            let opened = try open(client)
            #expect(opened.sessionID == 0 && opened.partitions.count == 3)
        }
        #expect(try client.fetch(next(5, 1), 11).errorCode == .fetchSessionIDNotFound)
        #expect(broker.counters.fetchSessionsRefused.count == 2)
    }
}

extension FetchRequest.Partition {
    static func at(_ index: Int32, _ offset: Int64 = 0) -> Self {
        .init(index: index, fetchOffset: Offset(offset), bytesMax: 1 << 20)
    }
}
