import BrokerModel
import KafkaServer
import KafkaWire
import Testing

/// Many consumers beside each other: greedy ones, slow ones, dead ones.
@Suite struct FetchFairnessTests {
    private static let value = [UInt8](repeating: 5, count: 500_000)

    @Test func `a crowd of large fetches is served over several turns, and everybody is`() throws {
        let broker = try TestBroker(fetchMemory: .mebibytes(64))
        var stored: [UInt8] = []
        for _ in 0..<4 { stored += try broker.append([Self.value]) }
        broker.commit()
        let clients = try (0..<24).map { _ in try broker.connect() }
        // All of them are there before the loop sees the first.
        try broker.atOnce {
            for client in clients {
                let request = FetchRequest.now(bytesMax: 2 << 20)
                try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
            }
        }
        for client in clients {
            #expect(try client.receiveFetch(11, 1).only.records == stored)
        }
        #expect(broker.counters.fetchesDeferred.count > 0)
        try broker.expectEventually { [pool = broker.pool] _ in pool.used == .zero }
    }

    @Test func `consumers that take nothing leave the others their share of the memory`() throws {
        let broker = try TestBroker(fetchMemory: .mebibytes(4), sendBuffer: .kibibytes(16))
        for _ in 0..<200 { try broker.append([[UInt8](repeating: 7, count: 30_000)]) }
        broker.commit()
        let stalled = try (0..<30).map { _ in try broker.connect(receiveBufferBytes: 4_096) }
        let fast = try broker.connect()
        #expect(try fast.fetch(.now(bytesMax: 1), 11).only.records?.isEmpty == false)
        for (index, client) in stalled.enumerated() {
            // Each asks for as much as the whole pool, and reads none of it.
            let request = FetchRequest.now(bytesMax: 4 << 20)
            try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
            try broker.expectEventually {
                $0.counters.fetches.count + $0.counters.memoryWaits.count > index + 1
            }
        }
        var next: Int64 = 0
        while next < 200 {
            let request = FetchRequest.now(from: next, bytesMax: 1 << 20)
                .waiting(milliseconds: 20_000)
            let records = try fast.fetch(request, 11).only.records ?? []
            #expect(!records.isEmpty)
            guard !records.isEmpty else { break }
            next += Int64(records.count / 30_000)
        }
        #expect(broker.pool.used <= broker.pool.capacity)
        _ = stalled
    }

    @Test func `an advance wakes only those who watch what advanced`() throws {
        let broker = try TestBroker(["t": 1, "u": 1])
        let watchers = try (0..<30).map { _ in try broker.connect() }
        let others = try (0..<30).map { _ in try broker.connect() }
        for (name, clients) in [("t", watchers), ("u", others)] {
            let request = FetchRequest.now(name).waiting(milliseconds: 60_000)
            for client in clients {
                try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
            }
        }
        try broker.expectEventually { $0.waitingFetches == 60 }
        let stored = try broker.append([[1]])
        broker.commit()
        for client in watchers {
            #expect(try client.receiveFetch(11, 1).only.records == stored)
        }
        #expect(try broker.ask { service, _ in service.waitingFetches } == 30)
        let second = try broker.append([[2]], to: "u")
        broker.commit()
        for client in others { #expect(try client.receiveFetch(11, 1).only.records == second) }
    }
}
