import BrokerModel
import CommitLog
import Foundation
import Testing

/// The seam over the machine's own files: the same log, on a real disk.
@Suite struct PosixFileSystemTests {
    private let fileSystem = PosixFileSystem()

    private func inTemporaryFolder(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "headwater-\(UUID().uuidString)"
        try fileSystem.createDirectory(path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test func `a log is written, closed, read and recovered on a real disk`() throws {
        try inTemporaryFolder { path in
            let folder = path + "/t-0"
            var settings = LogSettings()
            settings.segmentBytes = ByteCount(2_000)
            func open(afterCleanStop: Bool) throws -> (PartitionLog, RecoveryReport) {
                let opened = try PartitionLog.open(
                    folder: folder,
                    afterCleanStop: afterCleanStop,
                    fileSystem: fileSystem,
                    settings: settings
                )
                return (opened.log, opened.report)
            }
            try PartitionLog.create(
                folder: folder,
                topicID: UUIDBytes(high: 1, low: 2),
                fileSystem: fileSystem
            )
            let (log, _) = try open(afterCleanStop: true)
            try LogFixture.fill(log, batches: 40)
            #expect(try LogFixture.read(log.reader).count == 40)
            try log.close()
            let (resumed, clean) = try open(afterCleanStop: true)
            #expect(clean.wasClean && resumed.logEndOffset == Offset(40))
            let (recovered, unclean) = try open(afterCleanStop: false)
            #expect(!unclean.wasClean && recovered.leaderEpoch == LeaderEpoch(1))
            #expect(try LogFixture.read(recovered.reader).count == 40)
        }
    }

    @Test func `however many segments were written and read, few files stay open`() throws {
        try inTemporaryFolder { path in
            let folder = path + "/t-0"
            var settings = LogSettings()
            settings.segmentBytes = ByteCount(2_000)
            try PartitionLog.create(
                folder: folder,
                topicID: UUIDBytes(high: 1, low: 2),
                fileSystem: fileSystem
            )
            let log = try PartitionLog.open(
                folder: folder,
                afterCleanStop: true,
                fileSystem: fileSystem,
                settings: settings,
                openSegments: OpenSegments(countMax: 4)
            ).log
            try LogFixture.fill(log, batches: 400)
            #expect(try fileSystem.list(folder).count > 60)
            #expect(openFiles(in: folder) <= 3)
            #expect(try LogFixture.read(log.reader).count == 400)
            for time in stride(from: Int64(0), to: 400, by: 7) {
                _ = try log.reader.offset(
                    forTimestamp: Timestamp(milliseconds: LogFixture.start.rawValue + time)
                )
            }
            #expect(openFiles(in: folder) <= 3 + 3 * 4, "four sealed segments, three files each")
        }
    }

    @Test func `what was just written is read without the disk, and past the end there is nothing`()
        throws
    {
        try inTemporaryFolder { path in
            let file = try fileSystem.open(path + "/data", .create)
            let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
            var data = ByteWriter()
            data.writeBytes(bytes)
            try file.write(data.bytes, at: .zero)
            var read = ByteWriter()
            try read.writeUpTo(200_000) { try file.readResident(at: .zero, into: $0) ?? 0 }
            // A page that is not in memory ends the read early, and is no error.
            #expect([UInt8](read.bytes) == Array(bytes.prefix(read.count)))
            let end = FilePosition.zero + ByteCount(bytes.count)
            try read.writeUpTo(10) { buffer in
                let count = try file.readResident(at: end, into: buffer)
                #expect(count == 0 || count == nil)
                return 0
            }
        }
    }

    private func openFiles(in folder: String) -> Int {
        let files = FileManager.default
        let descriptors = (try? files.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return descriptors.count { descriptor in
            let target = try? files.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + descriptor)
            return target?.hasPrefix(folder) == true
        }
    }

    @Test func `a lock is held by one at a time, and ends with its holder`() throws {
        try inTemporaryFolder { path in
            let lockPath = path + "/.lock"
            var lock: (any FileLock)? = try fileSystem.lock(lockPath)
            #expect(throws: FileSystemError(.lock, lockPath, .busy)) {
                try fileSystem.lock(lockPath)
            }
            withExtendedLifetime(lock) {}
            lock = nil
            _ = try fileSystem.lock(lockPath)
        }
    }

    @Test func `a failure says what was tried, on what, and why`() throws {
        try inTemporaryFolder { path in
            let missing = path + "/missing"
            #expect(throws: FileSystemError(.open, missing, .notFound)) {
                try fileSystem.open(missing, .read)
            }
            #expect(throws: FileSystemError(.list, missing, .notFound)) {
                try fileSystem.list(missing)
            }
            #expect(throws: FileSystemError(.createDirectory, path, .exists)) {
                try fileSystem.createDirectory(path)
            }
            let file = try fileSystem.open(missing, .create)
            #expect(throws: FileSystemError(.create, missing, .exists)) {
                try fileSystem.open(missing, .create)
            }
            let readOnly = try fileSystem.open(missing, .read)
            #expect(throws: FileSystemError.self) {
                try [1].withUnsafeBytes { try readOnly.write($0, at: .zero) }
            }
            #expect(try file.size() == .zero)
        }
    }

    @Test func `a removed file stays readable for whoever holds it`() throws {
        try inTemporaryFolder { path in
            let file = try fileSystem.open(path + "/file", .create)
            try [1, 2, 3 as UInt8].withUnsafeBytes { try file.write($0, at: FilePosition(2)) }
            try file.sync()
            try fileSystem.rename(path + "/file", to: path + "/other")
            try fileSystem.removeFile(path + "/other")
            try fileSystem.syncDirectory(path)
            #expect(try fileSystem.list(path).isEmpty)
            var bytes = [UInt8](repeating: 9, count: 8)
            let count = try bytes.withUnsafeMutableBytes { try file.read(at: .zero, into: $0) }
            #expect(count == 5)
            #expect(bytes == [0, 0, 1, 2, 3, 9, 9, 9])
        }
    }
}
