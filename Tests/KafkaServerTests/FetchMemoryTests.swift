import BrokerModel
import KafkaServer
import KafkaWire
import Testing

@Suite struct FetchMemoryTests {
    private static let value = [UInt8](repeating: 5, count: 900_000)

    /// A broker with room for little more than one response, and 4 batches of 900 kB.
    private func brokerWithLittleMemory() throws -> TestBroker {
        let broker = try TestBroker(
            fetchMemory: ByteCount(1_000_000),
            sendBuffer: .kibibytes(16)
        )
        for _ in 0..<4 { try broker.append([Self.value]) }
        broker.commit()
        return broker
    }

    /// A client that has asked for a batch and takes nothing, so that the pool stays full.
    private func stubbornClient(_ broker: TestBroker) throws -> TestClient {
        let client = try broker.connect(receiveBufferBytes: 65_536)
        let request = FetchRequest.now(bytesMax: 1)
        try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        try broker.expectEventually { $0.counters.fetches.count == 1 }
        return client
    }

    @Test func `a fetch waits while the pool is full, and comes when it is not`() throws {
        let broker = try brokerWithLittleMemory()
        let stubborn = try stubbornClient(broker)
        #expect(broker.pool.used.rawValue > 900_000)
        let other = try broker.connect()
        let request = FetchRequest.now(from: 3).waiting(milliseconds: 20_000)
        let id = try other.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        try broker.expectEventually { $0.counters.memoryWaits.count == 1 }
        #expect((try stubborn.receiveFetch(11, 1).only.records?.count ?? 0) > 900_000)
        #expect((try other.receiveFetch(11, id).only.records?.count ?? 0) > 900_000)
        try broker.expectEventually { [pool = broker.pool] _ in pool.used == .zero }
        #expect(broker.pool.refusalCount > 0)
    }

    @Test func `a fetch that got no memory in its time is answered without records`() throws {
        let broker = try brokerWithLittleMemory()
        let stubborn = try stubbornClient(broker)
        let other = try broker.connect()
        let starved = try other.fetch(.now(from: 3), 11)
        #expect(try starved.only.records == [])
        #expect(try starved.only.head.errorCode == .none)
        #expect(try starved.only.head.highWatermark == Offset(4))
        // Everything else is served meanwhile.
        #expect(try other.metadata(MetadataRequest(topics: nil), 9).topics.count == 1)
        _ = stubborn
    }

    @Test func `memory of a client that goes away is free again`() throws {
        let broker = try brokerWithLittleMemory()
        do {
            let stubborn = try stubbornClient(broker)
            _ = stubborn
        }
        try broker.expectEventually { [pool = broker.pool] _ in pool.used == .zero }
        let client = try broker.connect()
        #expect((try client.fetch(.now(), 11).only.records?.count ?? 0) > 900_000)
    }

    @Test func `a batch larger than the whole pool still comes`() throws {
        let broker = try TestBroker(fetchMemory: ByteCount(100_000))
        let stored = try broker.append([Self.value])
        broker.commit()
        let client = try broker.connect()
        #expect(try client.fetch(.now(), 11).only.records == stored)
        try broker.expectEventually { [pool = broker.pool] _ in pool.used == .zero }
    }

    @Test func `a response holds no more than the broker's own limit`() throws {
        var settings = KafkaServerSettings()
        settings.fetchBytesMax = ByteCount(2_000_000)
        let broker = try TestBroker(settings: settings)
        for _ in 0..<4 { try broker.append([Self.value]) }
        broker.commit()
        let client = try broker.connect()
        let size = try client.fetch(.now(bytesMax: .max), 11).only.records?.count ?? 0
        #expect((1_800_000...2_000_000).contains(size))
    }

    @Test func `a burst of requests is answered as fast as its answers are taken`() throws {
        let broker = try TestBroker(["t": 400], sendBuffer: .kibibytes(16))
        let client = try broker.connect(receiveBufferBytes: 4_096)
        let request = MetadataRequest(topics: nil)
        for _ in 0..<300 {
            try client.send(.metadata, 9) { request.write(to: &$0, version: 9) }
        }
        for number: Int32 in 1...300 {
            let count = try client.receive(.metadata, 9, number) {
                try MetadataResponse(reading: &$0, version: 9).topics.first?.partitions.count
            }
            #expect(count == 400)
        }
    }
}
