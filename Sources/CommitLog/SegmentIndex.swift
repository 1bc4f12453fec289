import BrokerModel

/// An entry of one of the two index files: big-endian, of a fixed size, ascending by its key.
protocol IndexEntry: Sendable {
    static var size: Int { get }
    /// `bytes` holds at least `size` of them.
    init(_ bytes: UnsafeRawBufferPointer)
    func write(to output: inout ByteWriter)
    /// What the entries ascend by; no two are equal.
    var key: Int64 { get }
}

/// `.index`: the batch that begins at `position` ends with this offset. Both count from the
/// segment's start.
struct OffsetIndexEntry: IndexEntry, Equatable {
    static let size = 8
    let relativeOffset: Int32
    let position: Int32

    init(relativeOffset: Int32, position: Int32) {
        self.relativeOffset = relativeOffset
        self.position = position
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        relativeOffset = Int32(bigEndian: bytes.loadUnaligned(as: Int32.self))
        position = Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: Int32.self))
    }

    func write(to output: inout ByteWriter) {
        output.writeInteger(relativeOffset)
        output.writeInteger(position)
    }

    var key: Int64 { Int64(relativeOffset) }
}

/// `.timeindex`: no record up to this offset has a later timestamp than this.
struct TimeIndexEntry: IndexEntry, Equatable {
    static let size = 12
    let timestamp: Timestamp
    let relativeOffset: Int32

    init(timestamp: Timestamp, relativeOffset: Int32) {
        self.timestamp = timestamp
        self.relativeOffset = relativeOffset
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        timestamp = Timestamp(milliseconds: Int64(bigEndian: bytes.loadUnaligned(as: Int64.self)))
        relativeOffset = Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: Int32.self))
    }

    func write(to output: inout ByteWriter) {
        output.writeInteger(timestamp.rawValue)
        output.writeInteger(relativeOffset)
    }

    var key: Int64 { timestamp.rawValue }
}

/// The entry before the first whose key is greater than `key`, or with `strictly` not less; nil
/// when there is none. `entry` is asked a logarithm of `count` times.
func floorEntry<Entry: IndexEntry, Failure: Error>(
    of key: Int64,
    strictly: Bool = false,
    count: Int,
    entry: (Int) throws(Failure) -> Entry
) throws(Failure) -> Entry? {
    var (low, high) = (0, count)
    var found: Entry?
    while low < high {
        let middle = (low + high) / 2
        let candidate = try entry(middle)
        if strictly ? candidate.key < key : candidate.key <= key {
            found = candidate
            low = middle + 1
        } else {
            high = middle
        }
    }
    return found
}

/// Entries in memory: those of the active segment, or of a file that had to be rebuilt.
struct IndexEntries<Entry: IndexEntry>: Sendable {
    private(set) var entries: [Entry] = []

    init() {}

    /// Nil when the bytes are no index: a partial entry, or keys that do not ascend.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count % Entry.size == 0 else { return nil }
        entries.reserveCapacity(bytes.count / Entry.size)
        for start in stride(from: 0, to: bytes.count, by: Entry.size) {
            guard append(Entry(UnsafeRawBufferPointer(rebasing: bytes[start...]))) else {
                return nil
            }
        }
    }

    /// Refuses an entry that does not ascend.
    @discardableResult
    mutating func append(_ entry: Entry) -> Bool {
        if let last = entries.last, entry.key <= last.key { return false }
        entries.append(entry)
        return true
    }

    func floor(of key: Int64, strictly: Bool = false) -> Entry? {
        floorEntry(of: key, strictly: strictly, count: entries.count) { entries[$0] }
    }

    func write(to output: inout ByteWriter) {
        for entry in entries { entry.write(to: &output) }
    }
}

/// Entries in a file, searched where they lie: a sealed segment costs no memory.
struct IndexFile<Entry: IndexEntry>: Sendable {
    private let file: any File
    let count: Int

    /// Nil when the file is no index: a partial entry, or an end that lies before the start.
    init?(_ file: any File) throws(FileSystemError) {
        let size = try file.size().rawValue
        guard size % Entry.size == 0 else { return nil }
        self.file = file
        count = size / Entry.size
        guard count > 1 else { return }
        guard try entry(at: 0).key < entry(at: count - 1).key else { return nil }
    }

    func entry(
        at index: Int,
        _ access: ReadAccess = .blocking
    ) throws(FileSystemError) -> Entry {
        var failure: FileSystemError?
        let entry = withUnsafeTemporaryAllocation(byteCount: Entry.size, alignment: 8) { buffer in
            _ = buffer.initializeMemory(as: UInt8.self, repeating: 0)
            let position = FilePosition(index * Entry.size)
            do throws(FileSystemError) {
                _ = try file.read(at: position, into: buffer, access)
            } catch {
                failure = error
            }
            return Entry(UnsafeRawBufferPointer(buffer))
        }
        if let failure { throw failure }
        return entry
    }

    var last: Entry? {
        get throws(FileSystemError) { count == 0 ? nil : try entry(at: count - 1) }
    }

    func floor(
        of key: Int64,
        strictly: Bool = false,
        _ access: ReadAccess = .blocking
    ) throws(FileSystemError) -> Entry? {
        try floorEntry(of: key, strictly: strictly, count: count) { index throws(FileSystemError) in
            try entry(at: index, access)
        }
    }
}
