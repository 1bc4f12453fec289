import BrokerModel
import KafkaServer
import KafkaWire
import Posix
import Testing

@Suite struct LongPollTests {
    private static let longTime: Int32 = 60_000

    @Test func `a fetch at the end waits for the next record`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let request = FetchRequest.now().waiting(milliseconds: Self.longTime)
        let id = try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        try broker.expectEventually { $0.waitingFetches == 1 }
        let stored = try broker.append([[1]])
        broker.commit()
        #expect(try client.receiveFetch(11, id).only.records == stored)
        #expect(try broker.ask { service, _ in service.waitingFetches } == 0)
        #expect(broker.counters.longPolls.count == 1)
        #expect(broker.counters.fetches.count == 1)
    }

    @Test func `a fetch for which nothing comes is answered in its time, and empty`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let before = SystemClock.monotonicNanoseconds
        let fetched = try client.fetch(.now().waiting(milliseconds: 60), 11)
        #expect(SystemClock.monotonicNanoseconds - before >= 60_000_000)
        #expect(try fetched.only.records == [])
        #expect(try fetched.only.head.highWatermark == .zero)
    }

    @Test func `only a partition that was asked for wakes a fetch`() throws {
        let broker = try TestBroker(["t": 1, "u": 1])
        let client = try broker.connect()
        let request = FetchRequest.now().waiting(milliseconds: Self.longTime)
        let id = try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        try broker.expectEventually { $0.waitingFetches == 1 }
        try broker.append([[1]], to: "u")
        broker.commit()
        #expect(try broker.ask { service, _ in service.waitingFetches } == 1)
        let stored = try broker.append([[2]])
        broker.commit()
        #expect(try client.receiveFetch(11, id).only.records == stored)
    }

    @Test func `a fetch may wait for more than one byte`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let value = [UInt8](repeating: 7, count: 300)
        let request = FetchRequest.now().waiting(milliseconds: Self.longTime, bytesMin: 1_000)
        let id = try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        try broker.expectEventually { $0.waitingFetches == 1 }
        var stored: [UInt8] = []
        while stored.count < 1_000 {
            stored += try broker.append([value])
            broker.commit()
        }
        #expect(try client.receiveFetch(11, id).only.records == stored)
    }

    @Test func `what does not fit into a response is not waited for`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let first = try broker.append([[UInt8](repeating: 1, count: 500)])
        try broker.append([[UInt8](repeating: 2, count: 500)])
        broker.commit()
        let request = FetchRequest.now(bytesMax: 600)
            .waiting(milliseconds: Self.longTime, bytesMin: 1_000)
        #expect(try client.fetch(request, 11).only.records == first)
    }

    @Test func `an error is not waited with`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let request = FetchRequest.now("u").waiting(milliseconds: Self.longTime)
        #expect(try client.fetch(request, 11).only.head.errorCode == .unknownTopicOrPartition)
        var empty = FetchRequest.now().waiting(milliseconds: Self.longTime)
        empty.topics = []
        #expect(try client.fetch(empty, 11).partitions.isEmpty)
    }

    @Test func `requests behind a waiting fetch are answered after it`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let metadata = MetadataRequest(topics: nil)
        let fetch = FetchRequest.now().waiting(milliseconds: Self.longTime)
        let first = try client.send(.metadata, 9) { metadata.write(to: &$0, version: 9) }
        let second = try client.send(.fetch, 11) { fetch.write(to: &$0, version: 11) }
        let third = try client.send(.metadata, 9) { metadata.write(to: &$0, version: 9) }
        let fourth = try client.send(.fetch, 11) { fetch.write(to: &$0, version: 11) }
        func topics(_ id: Int32) throws -> Int {
            try client.receive(.metadata, 9, id) {
                try MetadataResponse(reading: &$0, version: 9).topics.count
            }
        }
        #expect(try topics(first) == 1)
        try broker.expectEventually { $0.waitingFetches == 1 }
        let stored = try broker.append([[1]])
        broker.commit()
        #expect(try client.receiveFetch(11, second).only.records == stored)
        #expect(try topics(third) == 1)
        #expect(try client.receiveFetch(11, fourth).only.records == stored)
        #expect(broker.counters.requests.count == 4)
    }

    @Test func `many waiting clients all get the record`() throws {
        let broker = try TestBroker()
        let request = FetchRequest.now().waiting(milliseconds: Self.longTime)
        let clients = try (0..<20).map { _ in try broker.connect() }
        for client in clients {
            try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        }
        try broker.expectEventually { $0.waitingFetches == 20 }
        let stored = try broker.append([[1]])
        broker.commit()
        for client in clients {
            #expect(try client.receiveFetch(11, 1).only.records == stored)
        }
    }

    @Test func `a client that leaves while its fetch waits is forgotten at its end`() throws {
        let broker = try TestBroker()
        do {
            let client = try broker.connect()
            let request = FetchRequest.now().waiting(milliseconds: 200)
            try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
            try broker.expectEventually { $0.waitingFetches == 1 }
        }
        try broker.expectEventually { $0.waitingFetches == 0 }
        #expect(broker.pool.used == .zero)
    }
}
