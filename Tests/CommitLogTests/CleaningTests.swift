import BrokerModel
import CommitLog
import HeadwaterTesting
import RecordFormat
import Testing

@Suite struct CleaningTests {
    typealias Entry = CleaningFixture.Entry

    @Test func `of each key the last record stays, at its offset`() throws {
        let fixture = try CleaningFixture()
        try fixture.append([("a", "1"), ("b", "1"), ("c", "1")])
        try fixture.append([("a", "2"), ("b", "2")])
        try fixture.append([("a", "3")])
        try fixture.seal()
        let (result, host) = try fixture.clean()
        #expect(result.recordsRemoved == 3 && result.keylessRemoved == 0)
        let kept = try CleaningFixture.records(in: fixture.log.reader).prefix(3)
        #expect(
            kept == [
                Entry(offset: 2, key: "c", value: "1"), Entry(offset: 4, key: "b", value: "2"),
                Entry(offset: 5, key: "a", value: "3"),
            ]
        )
        #expect(fixture.log.reader.logStartOffset == .zero)
        #expect(host.replaced.count == 3 && host.bytesSpent > 0)
        #expect(try fixture.cleanable()?.cleanableBytes == .zero)
        #expect(try fixture.files(".cleaned").isEmpty && fixture.files(".swap").isEmpty)
    }

    @Test func `the active segment is not cleaned`() throws {
        let fixture = try CleaningFixture()
        try fixture.append([("a", "1"), ("a", "2")])
        #expect(try fixture.cleanable()?.cleanableBytes == .zero)
        #expect(try CleaningFixture.records(in: fixture.log.reader).count == 2)
    }

    @Test func `the dirty ratio counts what was cleaned before`() throws {
        let fixture = try CleaningFixture()
        for round in 0..<4 { try fixture.append([("k\(round)", "1"), ("k\(round)", "2")]) }
        try fixture.seal()
        #expect(try fixture.cleanable()?.dirtyRatio == 1)
        try fixture.clean()
        #expect(try fixture.cleanable()?.dirtyRatio == 0)
        try fixture.append([("new", "1")])
        try fixture.seal("other")
        let ratio = try #require(try fixture.cleanable()).dirtyRatio
        #expect(ratio > 0.5 && ratio < 1)
        var compaction = fixture.settings.compaction
        #expect(try fixture.cleanable()?.isDue(compaction) == true)
        compaction.dirtyRatioMin = 1
        #expect(try fixture.cleanable()?.isDue(compaction) == false)
    }

    @Test func `a tombstone stays for delete.retention.ms after the first cleaning that met it`()
        throws
    {
        var fixture = try CleaningFixture()
        fixture.settings.compaction.tombstoneRetention = .seconds(10)
        let now = CleaningFixture.later
        try fixture.append([("a", "1"), ("gone", "1")])
        try fixture.append([("gone", nil), ("b", "1")])
        try fixture.seal()
        try fixture.clean(now: now)
        let kept = try CleaningFixture.records(in: fixture.log.reader)
        #expect(kept.map(\.key) == ["a", "gone", "b", "seal"] && kept[1].value == nil)
        var horizons: [Int64] = []
        try CleaningFixture.batches(in: fixture.log.reader) { batch in
            if batch.hasDeleteHorizon { horizons.append(batch.baseTimestamp.rawValue) }
        }
        #expect(horizons == [now.rawValue + 10_000])
        for (milliseconds, count) in [(9_999, 1), (10_000, 0)] {
            try fixture.append([("more", "1")])
            try fixture.seal()
            try fixture.clean(now: Timestamp(milliseconds: now.rawValue + Int64(milliseconds)))
            let tombstones = try CleaningFixture.records(in: fixture.log.reader)
                .filter { $0.value == nil }
            #expect(tombstones.count == count, "after \(milliseconds) ms")
        }
        let found = try fixture.log.reader.offset(forTimestamp: LogFixture.start)
        #expect(found?.timestamp == LogFixture.start)
    }

    @Test func `a record without key goes, as with Kafka`() throws {
        let fixture = try CleaningFixture()
        try fixture.append([(nil, "1"), ("a", "1")])
        try fixture.seal()
        #expect(try fixture.clean().result.keylessRemoved == 1)
        #expect(try CleaningFixture.records(in: fixture.log.reader).map(\.key) == ["a", "seal"])
    }

    @Test func `a segment of which nothing goes is not written again`() throws {
        let fixture = try CleaningFixture()
        for key in 0..<40 { try fixture.append([("k\(key)", "value")]) }
        try fixture.clean()
        try fixture.append([("new", "1")])
        try fixture.seal()
        let written = fixture.disk.fileSystem.counters.bytesWritten.count
        let (result, _) = try fixture.clean()
        #expect(result.recordsRemoved == 0 && result.bytesWritten == .zero)
        #expect(fixture.disk.fileSystem.counters.bytesWritten.count - written < 200)
    }

    @Test func `what cleanings left small becomes one segment`() throws {
        let fixture = try CleaningFixture()
        for _ in 0..<40 { try fixture.append([("a", String(repeating: "v", count: 100))]) }
        #expect(try fixture.files(".log").count > 4)
        try fixture.clean()
        try fixture.seal()
        try fixture.clean()
        #expect(try fixture.files(".log").count <= 3)
        #expect(fixture.log.reader.logStartOffset == .zero)
        #expect(try CleaningFixture.records(in: fixture.log.reader).map(\.key) == ["a", "seal"])
    }

    @Test func `min compaction lag keeps what is younger`() throws {
        var fixture = try CleaningFixture()
        fixture.settings.compaction.lagMin = .seconds(60)
        try fixture.append([("a", "1")])
        try fixture.append([("a", "2")])
        try fixture.seal()
        let soon = Timestamp(milliseconds: LogFixture.start.rawValue + 59_000)
        #expect(try fixture.cleanable(now: soon)?.cleanableBytes == .zero)
        let late = Timestamp(milliseconds: LogFixture.start.rawValue + 61_000)
        #expect(try fixture.cleanable(now: late)?.cleanableBytes ?? .zero > .zero)
    }

    @Test func `max compaction lag makes a cleaning due whatever the ratio`() throws {
        var fixture = try CleaningFixture()
        fixture.settings.compaction.dirtyRatioMin = 1
        fixture.settings.compaction.lagMax = .seconds(60)
        try fixture.append([("a", "1"), ("a", "2")])
        try fixture.seal()
        let soon = Timestamp(milliseconds: LogFixture.start.rawValue + 59_000)
        #expect(try fixture.cleanable(now: soon)?.isDue(fixture.settings.compaction) == false)
        let late = Timestamp(milliseconds: LogFixture.start.rawValue + 61_000)
        #expect(try fixture.cleanable(now: late)?.isDue(fixture.settings.compaction) == true)
    }

    @Test func `a cleaning ends where its memory is full, and the next goes on`() throws {
        let fixture = try CleaningFixture()
        for round in 0..<4 {
            for key in 0..<30 { try fixture.append([("k\(key)", "\(round)")]) }
        }
        try fixture.seal()
        let end = try #require(try fixture.cleanable()).firstUncleanableOffset
        var rounds = 0
        while let found = try fixture.cleanable(), found.cleanableBytes > .zero {
            let (result, _) = try fixture.clean(memory: ByteCount(24 * 20))
            try #require(result.end > found.firstDirtyOffset)
            rounds += 1
        }
        #expect(rounds > 2)
        let kept = try CleaningFixture.records(in: fixture.log.reader)
            .filter { Offset($0.offset) < end && $0.value?.count == 1 }
        for key in 0..<30 {
            #expect(kept.last { $0.key == "k\(key)" }?.value == "3")
        }
    }

    @Test func `a cleaning that is called off leaves everything as it was`() throws {
        let fixture = try CleaningFixture()
        try fixture.append([("a", "1"), ("a", "2")])
        try fixture.seal()
        let before = try CleaningFixture.records(in: fixture.log.reader)
        #expect(throws: CleaningError.aborted) {
            try fixture.clean { $0.allows = { false } }
        }
        #expect(try CleaningFixture.records(in: fixture.log.reader) == before)
        #expect(try fixture.files(".cleaned").isEmpty)
    }

    @Test func `a segment that retention took meanwhile is not brought back`() throws {
        let fixture = try CleaningFixture()
        try fixture.append([("a", "1"), ("a", "2")])
        try fixture.seal()
        #expect(throws: CleaningError.aborted) {
            try fixture.clean { host in
                host.allows = { (try? host.log.deleteSegments(before: Offset(2))) != nil }
            }
        }
        #expect(fixture.log.reader.logStartOffset == Offset(2))
        #expect(try CleaningFixture.records(in: fixture.log.reader).map(\.key) == ["seal"])
        #expect(try fixture.files(".cleaned").isEmpty)
    }

    @Test func `a damaged batch stops the cleaning, and nothing is lost`() throws {
        let fixture = try CleaningFixture()
        try fixture.append([("a", "1"), ("a", "2")])
        try fixture.seal()
        let path = LogFixture.path("00000000000000000000.log")
        let file = try fixture.disk.fileSystem.open(path, .write)
        try [UInt8(0xff)].withUnsafeBytes { try file.write($0, at: FilePosition(70)) }
        #expect(throws: CleaningError.damaged(path: path, at: .zero)) { try fixture.clean() }
        #expect(try file.size() > .zero)
        #expect(try fixture.files(".cleaned").isEmpty)
    }

    @Test func `an open reader goes on in the old file, and a new one finds the cleaned`() throws {
        let fixture = try CleaningFixture()
        try fixture.append([("a", "1"), ("b", "1"), ("a", "2")])
        try fixture.seal()
        _ = try LogFixture.read(fixture.log.reader)
        let host = try fixture.clean().host
        #expect(host.replaced.allSatisfy { $0.hasSuffix(".deleted") })
        #expect(try CleaningFixture.records(in: fixture.log.reader).map(\.offset) == [1, 2, 3])
        var output = ByteWriter()
        let result = try fixture.log.reader.read(
            from: .zero,
            maxBytes: .kibibytes(1),
            minOneBatch: true,
            into: &output
        )
        #expect(result.nextOffset == Offset(3))
        #expect(try fixture.log.reader.maxTimestamp()?.offset == Offset(2))
    }

    @Test func `a restart finds the cleaned log, and how far it was cleaned`() throws {
        let fixture = try CleaningFixture()
        try fixture.append([("a", "1"), ("a", "2")])
        try fixture.seal()
        try fixture.clean()
        let before = try CleaningFixture.records(in: fixture.log.reader)
        try fixture.log.close()
        let (log, report) = try fixture.disk.open()
        #expect(report.wasClean && report.rebuiltIndexes == 0)
        #expect(try CleaningFixture.records(in: log.reader) == before)
        let found = try log.cleanable(fixture.settings.compaction, now: .none, limit: 9)
        #expect(found?.cleanableBytes == .zero && found?.cleanBytes ?? .zero > .zero)
    }

    @Test func `the hash of keys is SipHash-2-4 with 128 bits`() {
        let secret = KeyHash.Secret(low: 0x0706_0504_0302_0100, high: 0x0f0e_0d0c_0b0a_0908)
        let empty = KeyHash(of: UnsafeRawBufferPointer(start: nil, count: 0), secret)
        #expect(empty.low == 0xe6a8_25ba_047f_81a3 && empty.high == 0x9302_55c7_1472_f66d)
        let bytes = [UInt8](0..<15)
        let hash = bytes.withUnsafeBytes { KeyHash(of: $0, secret) }
        #expect(hash.low == 0x11a8_b033_99e9_9354 && hash.high == 0xd9c3_cf97_0fec_087e)
    }
}
