import BrokerModel

/// The producer snapshots in one partition's folder.
///
/// The newest one at or before an offset where a segment or a clean stop ends says which producers
/// the log knew there; that there is none says that it knew none. So a log without producers writes
/// none, and one whose producers were quiet since the last one writes no other.
struct ProducerSnapshotFiles {
    /// A larger file is damaged.
    private static let bytesMax = 64 << 20

    let folder: String
    let fileSystem: any FileSystem
    /// Ascending.
    private(set) var offsets: [Offset] = []

    init(folder: String, fileSystem: any FileSystem) {
        self.folder = folder
        self.fileSystem = fileSystem
    }

    /// Takes note of a file. False when it is no snapshot.
    mutating func note(_ name: String) -> Bool {
        guard let offset = SegmentFiles.snapshotOffset(name) else { return false }
        offsets.append(offset)
        offsets.sort()
        return true
    }

    var newest: Offset? { offsets.last }

    /// What the newest snapshot at or before `offset` says; nil when it is damaged.
    func load(atOrBefore offset: Offset) throws(FileSystemError) -> ProducerSnapshot? {
        guard let found = offsets.last(where: { $0 <= offset }) else { return ProducerSnapshot() }
        let file = try fileSystem.open(path(found), .read)
        let size = try file.size().rawValue
        guard size <= Self.bytesMax else { return nil }
        var bytes = ByteWriter(capacity: size)
        try bytes.writeUpTo(size) { buffer throws(FileSystemError) in
            try file.read(at: .zero, into: buffer)
        }
        return ProducerSnapshot(bytes.bytes)
    }

    /// Durable under its name when it returns.
    mutating func write(
        _ snapshot: ProducerSnapshot,
        at offset: Offset
    ) throws(FileSystemError) {
        var bytes = ByteWriter()
        snapshot.write(to: &bytes)
        try fileSystem.replaceBytes(
            of: SegmentFiles.snapshotName(offset),
            in: folder,
            with: bytes.bytes
        )
        guard !offsets.contains(offset) else { return }
        offsets.append(offset)
        offsets.sort()
    }

    mutating func remove(where isUnwanted: (Offset) -> Bool) throws(FileSystemError) {
        for offset in offsets where isUnwanted(offset) {
            try fileSystem.removeFile(path(offset))
            offsets.removeAll { $0 == offset }
        }
    }

    /// Takes out of the log what lies before `start`, but for the newest one at or before it, which
    /// still tells what was known there. Returns what the files are called now.
    mutating func drop(before start: Offset) -> [String] {
        let kept = offsets.last { $0 <= start }
        var dropped: [String] = []
        for offset in offsets where offset < start && offset != kept {
            let target = path(offset) + SegmentFiles.deletedSuffix
            do throws(FileSystemError) {
                try fileSystem.rename(path(offset), to: target)
                dropped.append(target)
            } catch {
                // It is in nobody's way: the next start after an unclean stop removes it.
            }
            offsets.removeAll { $0 == offset }
        }
        return dropped
    }

    private func path(_ offset: Offset) -> String {
        folder + "/" + SegmentFiles.snapshotName(offset)
    }
}

extension SegmentFiles {
    private static let snapshotSuffix = ".snapshot"

    static func snapshotName(_ offset: Offset) -> String { digits(of: offset) + snapshotSuffix }

    static func isUnfinishedSnapshot(_ name: String) -> Bool {
        name.hasSuffix(unfinishedSuffix)
            && snapshotOffset(String(name.dropLast(unfinishedSuffix.utf8.count))) != nil
    }

    /// Nil for a file that is no snapshot.
    static func snapshotOffset(_ name: String) -> Offset? {
        offset(in: name, before: snapshotSuffix)
    }
}
