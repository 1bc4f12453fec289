import BrokerModel
import CommitLog
import HeadwaterTesting
import Testing

/// Reads that must not wait for the disk.
@Suite struct ResidentReadTests {
    private static func read(
        _ reader: PartitionReader,
        from offset: Offset,
        _ access: ReadAccess
    ) throws(CommitLogError) -> Offset {
        var output = ByteWriter()
        return try reader.read(
            from: offset,
            maxBytes: ByteCount(1),
            minOneBatch: true,
            access: access,
            into: &output
        ).nextOffset
    }

    private static func wouldBlock(_ reader: PartitionReader, at offset: Offset) -> Bool {
        do throws(CommitLogError) {
            _ = try read(reader, from: offset, .resident)
            return false
        } catch {
            return error == .fileSystem(.wouldBlock)
        }
    }

    @Test func `a sealed segment is opened by those alone who may wait`() throws {
        let log = try LogFixture(segmentBytes: 2_000).open().log
        try LogFixture.fill(log, batches: 60)
        #expect(Self.wouldBlock(log.reader, at: .zero))
        #expect(try Self.read(log.reader, from: .zero, .blocking) == Offset(1))
        #expect(try Self.read(log.reader, from: .zero, .resident) == Offset(1))
        #expect(try Self.read(log.reader, from: Offset(59), .resident) == Offset(60))
    }

    @Test func `logs that share a bound close each other's oldest segments`() throws {
        let open = OpenSegments(countMax: 3)
        var fixtures: [LogFixture] = []
        for _ in 0..<2 { fixtures.append(try LogFixture(segmentBytes: 2_000)) }
        let logs = try fixtures.map { fixture in
            let log = try PartitionLog.open(
                folder: LogFixture.folder,
                afterCleanStop: true,
                fileSystem: fixture.fileSystem,
                settings: fixture.settings,
                openSegments: open
            ).log
            try LogFixture.fill(log, batches: 60)
            return log
        }
        for offset in stride(from: Int64(0), to: 40, by: 5) {
            for log in logs { _ = try Self.read(log.reader, from: Offset(offset), .blocking) }
            #expect(open.count <= 3)
        }
        #expect(Self.wouldBlock(logs[0].reader, at: .zero))
        #expect(!Self.wouldBlock(logs[1].reader, at: Offset(35)))
        // A use without opening counts too: what is read all the time stays open.
        for offset in stride(from: Int64(0), to: 30, by: 5) {
            #expect(!Self.wouldBlock(logs[1].reader, at: Offset(35)))
            _ = try Self.read(logs[0].reader, from: Offset(offset), .blocking)
        }
        #expect(!Self.wouldBlock(logs[1].reader, at: Offset(35)))
    }

    @Test func `an offset outside of the log is refused without a look at the disk`() throws {
        let log = try LogFixture(segmentBytes: 2_000).open().log
        try LogFixture.fill(log, batches: 60)
        #expect(throws: CommitLogError.self) {
            try Self.read(log.reader, from: Offset(61), .resident)
        }
        #expect(!Self.wouldBlock(log.reader, at: Offset(61)))
    }
}
