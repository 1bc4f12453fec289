import BrokerModel
import CommitLog
import Ingest
import Partitions
import RecordFormat
import Testing

@Suite struct IngestLaneTests {
    @Test func `a burst is one batch, and its tokens come back in order after the log's answer`()
        throws
    {
        let bench = try LaneBench()
        for ticket in 0..<10 as Range<UInt32> {
            #expect(bench.publish("a/b", "x\(ticket)", ticket: ticket) == .accepted(.early))
        }
        bench.lane.burstEnded()
        #expect(bench.acknowledged.isEmpty)
        bench.run {
            guard let request = bench.requests.first else { return false }
            if bench.acknowledged.isEmpty { bench.reply(request, .success(.zero)) }
            return !bench.acknowledged.isEmpty
        }
        #expect(bench.requests.count == 1)
        #expect(bench.requests[0].needsSync)
        #expect(bench.acknowledged.map(\.ticket) == Array(0..<10))
        #expect(bench.failures.isEmpty && bench.lane.isIdle)
        #expect(bench.pool.used == .zero)
    }

    @Test func `a record carries topic, payload and quality of service`() throws {
        let bench = try LaneBench()
        #expect(bench.publish("plant/line1", "21.5", ticket: 1) == .accepted(.early))
        bench.lane.flush()
        bench.run { !bench.requests.isEmpty }
        let bytes = Array(bench.requests[0].batch.bytes.bytes)
        try bytes.withUnsafeBytes { bytes in
            let found = try RecordBatchView.first(in: bytes)
            let batch = try #require(found)
            try batch.check(from: .producer)
            var decompressor = RecordDecompressor()
            var cursor = try batch.records(decompressor: &decompressor, limit: .mebibytes(1))
            let first = try cursor.next()
            let record = try #require(first)
            #expect(record.key.map { String(decoding: $0, as: UTF8.self) } == "plant/line1")
            #expect(record.value.map { String(decoding: $0, as: UTF8.self) } == "21.5")
            #expect(record.timestamp == Timestamp(milliseconds: 1_000))
            var headers = record.headers
            let next = headers.next()
            let header = try #require(next)
            #expect(String(decoding: header.name, as: UTF8.self) == "mqtt.qos")
            #expect(header.value.map { String(decoding: $0, as: UTF8.self) } == "1")
        }
    }

    @Test func `batches behind one that is held wait with it, and leave in their order`() throws {
        let bench = try LaneBench()
        var asked: [UInt64] = []
        bench.lane.receiptsLeaving = {
            asked.append($0.firstReceipt)
            #expect($0.topicID == UUIDBytes(high: 7, low: 1) && $0.number == 0)
            return false
        }
        var settled = 0
        bench.lane.receiptsSettled = { _ in settled += 1 }
        _ = bench.publish("a", "held", ticket: 1, client: "c", receipt: 4)
        bench.lane.burstEnded()
        _ = bench.publish("a", "behind", ticket: 2)
        bench.lane.flush()
        #expect(asked == [4] && !bench.lane.isIdle)
        bench.lane.releaseHeld()
        bench.lane.releaseHeld()
        bench.run { bench.requests.count == 2 }
        #expect(bench.sent.map(\.value) == ["held", "behind"], "once each")
        for request in bench.requests { bench.reply(request, .success(.zero)) }
        bench.run { bench.lane.isIdle }
        #expect(bench.stored.map(\.ticket) == [1, 2] && settled == 1)
        #expect(bench.pool.used == .zero)
    }

    @Test func `a reply settles its own batch, in whatever order replies come`() throws {
        let bench = try LaneBench()
        #expect(bench.publish("a", "durable", ticket: 1) == .accepted(.early))
        bench.lane.burstEnded()
        #expect(bench.publish("a", "nobody waits", ticket: nil) == .accepted(.early))
        bench.lane.burstEnded()
        let failure = CommitLogError.closed
        var wasAnswered = false
        bench.run {
            if bench.requests.count == 2, !wasAnswered {
                wasAnswered = true
                bench.reply(bench.requests[1], .success(.zero))
                bench.reply(bench.requests[0], .failure(failure))
            }
            return bench.lane.isIdle
        }
        #expect(bench.acknowledged.map(\.ticket) == [1])
        #expect(bench.stored.isEmpty, "success of another batch is none of this one")
        #expect(bench.failures == [failure])
        #expect(bench.pool.used == .zero)
    }

    @Test func `a failed append hands the tokens back with the reason`() throws {
        let bench = try LaneBench()
        #expect(bench.publish("a", "x", ticket: 3) == .accepted(.early))
        bench.lane.flush()
        let failure = CommitLogError.batchTooLarge(.kibibytes(2), most: .kibibytes(1))
        bench.run {
            if let request = bench.requests.popLast() { bench.reply(request, .failure(failure)) }
            return !bench.acknowledged.isEmpty
        }
        #expect(bench.failures == [failure])
        #expect(bench.acknowledged.map(\.ticket) == [3])
    }

    @Test func `no batch outgrows its limit, unless one record alone does`() throws {
        var settings = IngestSettings()
        settings.batchBytesMax = .kibibytes(16)
        settings.recordBytesMax = .kibibytes(64)
        let bench = try LaneBench(settings: settings)
        let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* $0 &>> 3) }
        func publish(_ size: Int) -> IngestOutcome {
            let text = String(decoding: bytes[..<size].map { $0 & 0x7f }, as: UTF8.self)
            return bench.publish("a", text, ticket: 1)
        }
        for size in [10_000, 10_000, 20_000, 5, 5] { #expect(publish(size) == .accepted(.early)) }
        bench.lane.flush()
        bench.run { bench.requests.count >= 4 }
        #expect(bench.requests.map(\.batch.recordCount) == [1, 1, 1, 2])
    }

    @Test func `a record that no batch can hold is refused, and takes no room in the pool`() throws
    {
        var settings = IngestSettings()
        settings.recordBytesMax = .kibibytes(64)
        let bench = try LaneBench(pool: .kibibytes(64), settings: settings)
        let payload = String(repeating: "x", count: 64 << 10)
        #expect(bench.publish("a", payload, ticket: 1) == .tooLarge)
        #expect(bench.lane.isIdle && !bench.lane.isFull)
        #expect(bench.pool.used == .zero)
    }

    @Test func `a full pool pushes back, and says when there is room again`() throws {
        let bench = try LaneBench(pool: .kibibytes(256))
        let payload = String(repeating: "x", count: 1_000)
        var published: UInt32 = 0
        while !bench.lane.isFull, published < 10_000 {
            #expect(bench.publish("a", payload, ticket: published) == .accepted(.early))
            published += 1
        }
        #expect(bench.lane.isFull)
        #expect(published < 400, "256 KiB hold no more than that")
        #expect(bench.pool.used.rawValue < 256 << 10 + 128 << 10)
        bench.lane.burstEnded()
        bench.run {
            while let request = bench.requests.popLast() { bench.reply(request, .success(.zero)) }
            return bench.roomReturned > 0
        }
        #expect(!bench.lane.isFull)
    }

    @Test func `while enough batches are on their way, further records wait in the next one`()
        throws
    {
        var settings = IngestSettings()
        settings.batchesInFlightMax = 1
        let bench = try LaneBench(settings: settings)
        for ticket in 0..<3 as Range<UInt32> {
            #expect(bench.publish("a", "x", ticket: ticket) == .accepted(.early))
            bench.lane.burstEnded()
        }
        var answered: [Int] = []
        bench.run {
            while let request = bench.requests.popLast() {
                answered.append(request.batch.recordCount)
                bench.reply(request, .success(.zero))
            }
            bench.lane.burstEnded()
            return bench.acknowledged.count == 3
        }
        #expect(answered == [1, 2])
    }

    @Test func `a publish at QoS 0 alone asks for no sync`() throws {
        let bench = try LaneBench()
        #expect(bench.publish("a", "x", ticket: nil) == .accepted(.early))
        bench.lane.burstEnded()
        bench.run { !bench.requests.isEmpty }
        #expect(!bench.requests[0].needsSync)
    }

    @Test(arguments: ["$SYS/broker", "$x", "$"])
    func `a topic that begins with a dollar sign has no route`(topic: String) throws {
        let bench = try LaneBench()
        #expect(bench.publish(topic, "x", ticket: 1) == .noRoute)
        #expect(bench.lane.isIdle)
    }
}
