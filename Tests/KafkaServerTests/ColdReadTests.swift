import BrokerModel
import CommitLog
import KafkaServer
import KafkaWire
import Partitions
import Posix
import Testing

/// Records that are not in memory never hold up anybody but those who asked for them.
@Suite struct ColdReadTests {
    private static let longTime: Int32 = 60_000

    /// A broker with `cold` batches on the disk alone, and one after them in memory.
    private static func broker(
        cold: Int = 20,
        threads: Int = 2,
        queueMax: Int = 100,
        disk: ColdDisk
    ) throws -> (broker: TestBroker, batches: [[UInt8]]) {
        var settings = KafkaServerSettings()
        settings.readerThreads = threads
        settings.readerQueueMax = queueMax
        let broker = try TestBroker(disk: disk, settings: settings)
        var batches: [[UInt8]] = []
        for number in 0..<cold {
            batches.append(
                try broker.append([[UInt8](repeating: UInt8(number), count: 10_000)])
            )
        }
        disk.cool(below: batches.reduce(0) { $0 + $1.count })
        batches.append(try broker.append([[99]]))
        broker.commit()
        return (broker, batches)
    }

    @Test func `cold records come, from a reader thread`() throws {
        let disk = ColdDisk()
        let (broker, batches) = try Self.broker(disk: disk)
        let client = try broker.connect()
        let fetched = try client.fetch(.now(), 11).only
        #expect(fetched.records == batches.flatMap(\.self))
        #expect(fetched.head.errorCode == .none)
        #expect(broker.counters.coldFetches.count == 1)
        #expect(disk.reads > 0)
        #expect(broker.counters.requests.count == 1)
        try broker.expectEventually { [pool = broker.pool] _ in pool.used == .zero }
    }

    @Test func `records in memory never leave the loop`() throws {
        let disk = ColdDisk()
        let (broker, batches) = try Self.broker(disk: disk)
        let reads = disk.reads
        let client = try broker.connect()
        #expect(try client.fetch(.now(from: 20), 11).only.records == batches[20])
        #expect(broker.counters.coldFetches.count == 0)
        #expect(disk.reads == reads)
    }

    @Test func `a tail fetch goes on while a cold read hangs`() throws {
        let disk = ColdDisk()
        let (broker, batches) = try Self.broker(disk: disk)
        disk.hold()
        defer { disk.release() }
        let slow = try broker.connect()
        let request = FetchRequest.now().waiting(milliseconds: Self.longTime)
        let id = try slow.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        try broker.expectEventually { _ in disk.blocked == 1 }
        // A long poll of another client is woken, and whoever asks for what is in memory gets it.
        let tail = try broker.connect()
        for number in 21..<30 as Range<Int64> {
            let wanted = FetchRequest.now(from: number).waiting(milliseconds: Self.longTime)
            let poll = try tail.send(.fetch, 11) { wanted.write(to: &$0, version: 11) }
            try broker.expectEventually { $0.waitingFetches == 1 }
            let stored = try broker.append([[UInt8(number)]])
            broker.commit()
            #expect(try tail.receiveFetch(11, poll).only.records == stored)
        }
        #expect(try tail.metadata(MetadataRequest(topics: nil), 9).topics.count == 1)
        #expect(try tail.listOffsets(ListOffsetsPlace.latest).offset == Offset(30))
        #expect(disk.blocked == 1)
        disk.release()
        let records = try slow.receiveFetch(11, id).only.records ?? []
        #expect(records.starts(with: batches.flatMap(\.self)))
    }

    @Test func `lookups by time wait on a reader thread, not on the loop`() throws {
        let disk = ColdDisk()
        let (broker, _) = try Self.broker(disk: disk)
        disk.hold()
        defer { disk.release() }
        let slow = try broker.connect()
        let wanted = ListOffsetsRequest.Partition(index: 0, timestamp: Timestamp(milliseconds: 5))
        let request = ListOffsetsRequest(topics: [.init(name: "t", partitions: [wanted])])
        let id = try slow.send(.listOffsets, 7) { request.write(to: &$0, version: 7) }
        try broker.expectEventually { _ in disk.blocked == 1 }
        let other = try broker.connect()
        #expect(try other.listOffsets(ListOffsetsPlace.latest).offset == Offset(21))
        #expect(try other.fetch(.now(from: 20), 11).only.records?.isEmpty == false)
        disk.release()
        let found = try slow.receive(.listOffsets, 7, id) {
            try ListOffsetsResponse(reading: &$0, version: 7)
        }
        #expect(found.topics.first?.partitions.first?.offset == .zero)
        #expect(broker.counters.requests.count == 3)
    }

    @Test func `more cold reads than threads are all answered in the end`() throws {
        let disk = ColdDisk()
        let (broker, batches) = try Self.broker(threads: 2, disk: disk)
        disk.hold()
        defer { disk.release() }
        let clients = try (0..<12).map { _ in try broker.connect() }
        let request = FetchRequest.now(bytesMax: 1).waiting(milliseconds: Self.longTime)
        for client in clients {
            try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        }
        try broker.expectEventually { _ in disk.blocked == 2 }
        try broker.expectEventually { $0.readerCounters.accepted.count == 12 }
        disk.release()
        for client in clients {
            #expect(try client.receiveFetch(11, 1).only.records == batches[0])
        }
        try broker.expectEventually { [pool = broker.pool] _ in pool.used == .zero }
    }

    @Test func `who leaves during a cold read gives back its memory`() throws {
        let disk = ColdDisk()
        let (broker, _) = try Self.broker(threads: 1, disk: disk)
        disk.hold()
        defer { disk.release() }
        do {
            let clients = try (0..<3).map { _ in try broker.connect() }
            let request = FetchRequest.now()
            for client in clients {
                try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
            }
            try broker.expectEventually { $0.readerCounters.accepted.count == 3 }
        }
        let reads = disk.reads
        disk.release()
        try broker.expectEventually { [pool = broker.pool] _ in pool.used == .zero }
        #expect(disk.reads >= reads)
    }

    @Test func `a cold fetch that finds too little waits for more, and for no longer`() throws {
        let disk = ColdDisk()
        let (broker, batches) = try Self.broker(cold: 1, disk: disk)
        let client = try broker.connect()
        let request = FetchRequest.now().waiting(milliseconds: Self.longTime, bytesMin: 11_000)
        let id = try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        try broker.expectEventually { $0.waitingFetches == 1 }
        let stored = try broker.append([[UInt8](repeating: 1, count: 2_000)])
        broker.commit()
        let all = batches.flatMap(\.self) + stored
        #expect(try client.receiveFetch(11, id).only.records == all)
    }

    @Test func `requests behind a cold fetch are answered after it, in order`() throws {
        let disk = ColdDisk()
        let (broker, batches) = try Self.broker(cold: 2, disk: disk)
        let client = try broker.connect()
        let cold = FetchRequest.now(bytesMax: 1)
        let warm = FetchRequest.now(from: 2)
        for request in [cold, warm, cold, warm] {
            try client.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        }
        for (id, expected) in [(1, 0), (2, 2), (3, 0), (4, 2)] as [(Int32, Int)] {
            #expect(try client.receiveFetch(11, id).only.records == batches[expected])
        }
        #expect(broker.counters.requests.count == 4)
    }

    @Test func `cold batches larger than the memory left wait for it, or come empty`() throws {
        let disk = ColdDisk()
        let broker = try TestBroker(
            disk: disk,
            fetchMemory: ByteCount(1_000_000),
            sendBuffer: .kibibytes(16)
        )
        let batch = try broker.append([[UInt8](repeating: 3, count: 900_000)])
        broker.commit()
        disk.cool(below: batch.count)
        let stubborn = try broker.connect(receiveBufferBytes: 65_536)
        try stubborn.send(.fetch, 11) { FetchRequest.now().write(to: &$0, version: 11) }
        try broker.expectEventually { $0.counters.fetches.count == 1 }
        let other = try broker.connect()
        let starved = try other.fetch(.now(), 11).only
        #expect(starved.records == [])
        #expect(starved.head.errorCode == .none && starved.head.highWatermark == Offset(1))
        #expect(broker.pool.used <= broker.pool.capacity)
        let request = FetchRequest.now().waiting(milliseconds: Self.longTime)
        let id = try other.send(.fetch, 11) { request.write(to: &$0, version: 11) }
        #expect(try stubborn.receiveFetch(11, 1).only.records == batch)
        #expect(try other.receiveFetch(11, id).only.records == batch)
        try broker.expectEventually { [pool = broker.pool] _ in pool.used == .zero }
    }

    @Test func `wherever the memory ends, every batch comes once and in order`() throws {
        let disk = ColdDisk()
        let broker = try TestBroker(disk: disk)
        var stored: [UInt8] = []
        for number in 0..<6 {
            stored += try broker.append([[UInt8](repeating: UInt8(number), count: 150)])
        }
        broker.commit()
        let client = try broker.connect()
        let size = stored.count / 6
        for end in stride(from: 0, through: stored.count, by: 13) {
            disk.cool(from: end)
            let coldBefore = broker.counters.coldFetches.count
            var read: [UInt8] = []
            while read.count < stored.count {
                let next = FetchRequest.now(from: Int64(read.count / size))
                let records = try client.fetch(next, 11).only.records ?? []
                #expect(!records.isEmpty, "the memory ends at \(end)")
                guard !records.isEmpty else { return }
                read += records
            }
            #expect(read == stored, "the memory ends at \(end)")
            let isCold = end < stored.count
            #expect((broker.counters.coldFetches.count > coldBefore) == isCold)
        }
    }

    @Test func `past the readers' queue a fetch comes empty, and a lookup comes later`() throws {
        let disk = ColdDisk()
        let (broker, batches) = try Self.broker(threads: 1, queueMax: 1, disk: disk)
        disk.hold()
        defer { disk.release() }
        let request = FetchRequest.now(bytesMax: 1)
        let patient = request.waiting(milliseconds: Self.longTime)
        var first: [TestClient] = []
        for number in 1...2 {
            first.append(try broker.connect())
            try first[number - 1].send(.fetch, 11) { patient.write(to: &$0, version: 11) }
            try broker.expectEventually { $0.readerCounters.accepted.count == number }
            try broker.expectEventually { _ in disk.blocked == 1 }
        }
        let third = try broker.connect()
        let empty = try third.fetch(request, 11).only
        #expect(empty.records == [] && empty.head.errorCode == .none)
        #expect(empty.head.highWatermark == Offset(21))
        let lookup = ListOffsetsRequest.Partition(index: 0, timestamp: Timestamp(milliseconds: 5))
        let question = ListOffsetsRequest(topics: [.init(name: "t", partitions: [lookup])])
        let refused = try broker.ask { service, _ in service.readerCounters.refused.count }
        let id = try third.send(.listOffsets, 7) { question.write(to: &$0, version: 7) }
        try broker.expectEventually { $0.readerCounters.refused.count > refused }
        disk.release()
        let found = try third.receive(.listOffsets, 7, id) {
            try ListOffsetsResponse(reading: &$0, version: 7)
        }
        #expect(found.topics.first?.partitions.first?.offset == .zero)
        for client in first {
            #expect(try client.receiveFetch(11, 1).only.records == batches[0])
        }
        try broker.expectEventually { [pool = broker.pool] _ in pool.used == .zero }
    }
}
