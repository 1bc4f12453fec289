import BrokerModel
import KafkaServer
import KafkaWire
import Partitions
import Testing

/// Disks that take longer than anybody waits.
@Suite struct OverdueReadTests {
    @Test func `a read that hangs costs an empty answer, and its records come later`() throws {
        let disk = ColdDisk()
        let broker = try TestBroker(disk: disk)
        let batch = try broker.append([[UInt8](repeating: 7, count: 10_000)])
        broker.commit()
        disk.cool(below: batch.count)
        disk.hold()
        defer { disk.release() }
        let client = try broker.connect()
        for count in 1...2 {
            let fetched = try client.fetch(.now(), 11).only
            #expect(fetched.records == [] && fetched.head.errorCode == .none)
            #expect(fetched.head.highWatermark == Offset(1))
            #expect(broker.counters.fetchesOverdue.count == count)
        }
        // One read, whoever was answered without it meanwhile.
        #expect(broker.counters.coldFetches.count == 1 && disk.blocked == 1)
        #expect(try client.metadata(MetadataRequest(topics: nil), 9).topics.count == 1)
        let request = FetchRequest.now().waiting(milliseconds: 60_000)
        let id = try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        disk.release()
        #expect(try client.receiveFetch(11, id).only.records == batch)
        try broker.expectEventually { [pool = broker.pool] _ in pool.used == .zero }
    }

    @Test func `a broker ends although a read never does`() throws {
        let disk = ColdDisk()
        defer { disk.release() }
        do {
            let broker = try TestBroker(disk: disk)
            let batch = try broker.append([[UInt8](repeating: 7, count: 10_000)])
            broker.commit()
            disk.cool(below: batch.count)
            disk.hold()
            let client = try broker.connect()
            try client.send(.fetch, 11) { FetchRequest.now().write(to: &$0, version: 11) }
            try broker.expectEventually { _ in disk.blocked == 1 }
        }
        #expect(disk.blocked == 1)
    }
}
