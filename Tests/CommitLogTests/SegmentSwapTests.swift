import BrokerModel
import CommitLog
import HeadwaterTesting
import RecordFormat
import Testing

/// Swaps that Kafka's cleaner has left half done in a folder that we are given.
@Suite struct SegmentSwapTests {
    private let disk: LogFixture
    private let end: Int64
    /// Where the segments begin.
    private let bases: [Int64]

    init() throws {
        disk = try LogFixture(segmentBytes: 1_000, indexInterval: 200)
        let log = try disk.open().log
        end = try LogFixture.fill(log, batches: 20).rawValue
        try log.close()
        bases = try disk.fileSystem.list(LogFixture.folder).map(\.name)
            .filter { $0.hasSuffix(".log") }.compactMap { Int64($0.dropLast(4)) }.sorted()
    }

    private func name(_ base: Int64, _ suffix: String) -> String {
        let digits = String(base)
        return LogFixture.path(String(repeating: "0", count: 20 - digits.utf8.count) + digits)
            + suffix
    }

    private func contents(_ path: String) throws -> [UInt8] {
        let file = try disk.fileSystem.open(path, .read)
        var bytes = ByteWriter()
        try bytes.writeUpTo(try file.size().rawValue) { buffer throws(FileSystemError) in
            try file.read(at: .zero, into: buffer)
        }
        return Array(bytes.bytes)
    }

    private func make(_ path: String, _ bytes: some Sequence<UInt8>) throws {
        let file = try disk.fileSystem.open(path, .create)
        var writer = ByteWriter()
        for byte in bytes { writer.writeByte(byte) }
        try file.write(writer.bytes, at: .zero)
        try file.sync()
        try disk.fileSystem.syncDirectory(LogFixture.folder)
    }

    /// Every batch has one record, and all are equally large.
    private func batch(_ index: Int, of segment: [UInt8]) -> ArraySlice<UInt8> {
        let size = 12 + Int(segment[10]) << 8 + Int(segment[11])
        return segment[(index * size)..<(index * size + size)]
    }

    private func names() throws -> [String] {
        try disk.fileSystem.list(LogFixture.folder).map(\.name)
    }

    @Test(arguments: [true, false])
    func `a swap of Kafka's is finished, and the replaced indexes are not believed`(
        afterCleanStop: Bool
    ) throws {
        try #require(bases.count >= 4)
        let first = try contents(name(0, ".log"))
        let cut = batch(0, of: first).count
        try make(name(0, ".log.swap"), first[cut...] + contents(name(bases[1], ".log")))
        try make(name(0, ".index.swap"), [])
        let reader = try disk.open(afterCleanStop: afterCleanStop).log.reader
        for start in 1..<end {
            let expected = (start..<end).map { Offset($0) }
            #expect(try LogFixture.read(reader, from: Offset(start)) == expected)
        }
        #expect(try LogFixture.read(reader) == (1..<end).map { Offset($0) })
        #expect(try !names().contains { $0.hasSuffix(".swap") })
        let replaced = String(name(bases[1], "").dropFirst(LogFixture.folder.utf8.count + 1))
        #expect(try !names().contains { $0.hasPrefix(replaced) })
    }

    @Test func `half of a segment that Kafka was splitting does not replace the whole`() throws {
        try #require(bases[1] >= 3)
        let first = try contents(name(0, ".log"))
        let last = batch(Int(bases[1]) - 1, of: first)
        try make(name(0, ".log.cleaned"), first.prefix(last.count))
        try make(name(bases[1] - 1, ".log.swap"), last)
        let reader = try disk.open().log.reader
        #expect(try LogFixture.read(reader) == (0..<end).map { Offset($0) })
        #expect(try !names().contains { $0.hasSuffix(".swap") || $0.hasSuffix(".cleaned") })
    }
}
