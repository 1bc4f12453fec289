import BrokerModel
import Synchronization

/// One data file with its two indexes. The newest segment of a log is written by the log's owner
/// while readers on other threads use it; a sealed one only rests.
///
/// The active segment keeps its indexes in memory: they reach the disk when it is sealed and at a
/// clean stop. Recovery reads the active segment anyway, so writing them earlier would only wear
/// out flash.
final class Segment: Sendable {
    let baseOffset: Offset
    private let folder: String
    private let fileSystem: any FileSystem
    private let state: Mutex<State>
    /// Of the data file, as far as it is written: anybody may ask, and nobody waits for the disk.
    private let size: Atomic<Int>

    private struct State {
        var file: (any File)?
        var indexes: Indexes
        /// It is being deleted: what is opened from now on is not kept.
        var isRetired = false
        /// A cleaned segment has its place, and soon its names: nothing is opened any more.
        var isReplaced = false
        /// Its names are not its own yet: what is open stays open.
        var isPinned = false
    }

    private enum Indexes {
        case inMemory(SegmentIndexes)
        case unopened
        case files(IndexFile<OffsetIndexEntry>, IndexFile<TimeIndexEntry>)
    }

    /// A sealed segment: its files are opened when somebody asks for them.
    init(
        sealed baseOffset: Offset,
        size: ByteCount,
        folder: String,
        fileSystem: any FileSystem
    ) {
        self.baseOffset = baseOffset
        self.size = Atomic(size.rawValue)
        self.folder = folder
        self.fileSystem = fileSystem
        state = Mutex(State(file: nil, indexes: .unopened))
    }

    /// The active segment, whose file its log has opened for writing.
    init(
        active indexes: SegmentIndexes,
        file: any File,
        end: FilePosition,
        folder: String,
        fileSystem: any FileSystem
    ) {
        baseOffset = indexes.baseOffset
        size = Atomic(end.rawValue)
        self.folder = folder
        self.fileSystem = fileSystem
        state = Mutex(State(file: file, indexes: .inMemory(indexes)))
    }

    /// A cleaned segment whose files do not have their names yet. It `rest`s once they have.
    init(
        cleaned indexes: SegmentIndexes,
        file: any File,
        size: ByteCount,
        folder: String,
        fileSystem: any FileSystem
    ) {
        baseOffset = indexes.baseOffset
        self.size = Atomic(size.rawValue)
        self.folder = folder
        self.fileSystem = fileSystem
        state = Mutex(State(file: file, indexes: .inMemory(indexes), isPinned: true))
    }

    func path(_ kind: SegmentFiles.Kind) -> String {
        folder + "/" + SegmentFiles.name(baseOffset, kind)
    }

    var sizeInBytes: ByteCount { ByteCount(size.load(ordering: .relaxed)) }

    /// The data file.
    func file(_ access: ReadAccess = .blocking) throws(FileSystemError) -> any File {
        if let open = state.withLock({ $0.file }) { return open }
        try mayOpen(access)
        let opened = try fileSystem.open(path(.log), .read)
        let isReplaced = state.withLock { state in
            state.file = state.file ?? (state.isRetired ? nil : opened)
            return state.isReplaced
        }
        if isReplaced { throw gone }
        return opened
    }

    /// Whoever finds a replaced segment in an older view looks into a newer one.
    private var gone: FileSystemError { FileSystemError(.open, path(.log), .notFound) }

    // MARK: The owner's side

    /// Tells where the data file ends now.
    func noteEnd(_ end: FilePosition) { size.store(end.rawValue, ordering: .relaxed) }

    /// Notes a batch of the active segment. True when its indexes are full.
    func note(_ batch: BatchHeader, at position: FilePosition, _ settings: LogSettings) -> Bool {
        state.withLock { state in
            guard case .inMemory(var indexes) = state.indexes else { return false }
            state.indexes = .unopened  // So that the entries are changed in place, not copied.
            indexes.note(batch, at: position, interval: settings.indexInterval)
            let isFull = indexes.fill(settings.indexBytes)
            state.indexes = .inMemory(indexes)
            return isFull
        }
    }

    /// Writes and syncs the indexes, creating their files where they are missing.
    func writeIndexes() throws(FileSystemError) {
        let finished = state.withLock { state -> SegmentIndexes? in
            guard case .inMemory(var indexes) = state.indexes else { return nil }
            indexes.finish()
            state.indexes = .inMemory(indexes)
            return indexes
        }
        guard let finished else { return }
        var bytes = ByteWriter(capacity: finished.offsets.entries.count * OffsetIndexEntry.size)
        finished.offsets.write(to: &bytes)
        try replaceContents(of: .offsetIndex, with: bytes.bytes)
        bytes.removeAll()
        finished.times.write(to: &bytes)
        try replaceContents(of: .timeIndex, with: bytes.bytes)
    }

    /// Gives up the indexes in memory and the file for writing: the segment is sealed, and who
    /// reads it opens what lies in the folder.
    func rest() {
        state.withLock { $0 = State(file: nil, indexes: .unopened) }
    }

    private func replaceContents(
        of kind: SegmentFiles.Kind,
        with bytes: UnsafeRawBufferPointer
    ) throws(FileSystemError) {
        let file = try fileSystem.openOrCreate(path(kind))
        try file.write(bytes, at: .zero)
        try file.truncate(to: ByteCount(bytes.count))
        try file.sync()
    }
}

// MARK: - Everybody's side

extension Segment {
    /// Where to begin the walk to the batch that holds `offset`.
    func position(
        floorOf offset: Offset,
        _ access: ReadAccess = .blocking
    ) throws(FileSystemError) -> FilePosition {
        switch try lookUp(access, { $0.position(floorOf: offset) }) {
        case .found(let position): return position
        case .files(let offsets, _):
            let key = offset.rawValue - baseOffset.rawValue
            return FilePosition(Int(try offsets.floor(of: key, access)?.position ?? 0))
        }
    }

    /// No record of this segment up to this offset is as late as `timestamp`.
    func offset(before timestamp: Timestamp) throws(FileSystemError) -> Offset {
        switch try lookUp(.blocking, { $0.offset(before: timestamp) }) {
        case .found(let offset): return offset
        case .files(_, let times):
            let entry = try times.floor(of: timestamp.rawValue, strictly: true)
            return baseOffset + Int(entry?.relativeOffset ?? 0)
        }
    }

    /// Closes the files of a sealed segment, once nobody is in the middle of reading them.
    func closeFiles() {
        state.withLock { state in
            guard !state.isPinned else { return }
            state.file = nil
            switch state.indexes {
            case .files: state.indexes = .unopened
            case .inMemory, .unopened: break  // Rebuilt ones hold no file, and cost a read to make.
            }
        }
    }

    var isRetired: Bool { state.withLock(\.isRetired) }

    /// Closes the files, and has none kept open again.
    func retire() {
        state.withLock { $0.isRetired = true }
        closeFiles()
    }

    /// Another segment takes its names: nothing is opened by them any more. Who reads one of its
    /// files goes on.
    func giveUpNames() {
        state.withLock { $0.isReplaced = true }
        retire()
    }

    /// The latest timestamp of the segment; of an active one it may lie past the high watermark.
    func maxTimestamp() throws(FileSystemError) -> Timestamp {
        switch try lookUp(.blocking, { $0.maxTimestamp }) {
        case .found(let timestamp): return timestamp
        case .files(_, let times): return try times.last?.timestamp ?? .none
        }
    }

    /// The last entry of the time index; nil when it has none.
    func lastTime() throws(FileSystemError) -> TimeIndexEntry? {
        switch try lookUp(.blocking, { $0.lastTime }) {
        case .found(let entry): return entry
        case .files(_, let times): return try times.last
        }
    }

    /// Reads the data file from its start and builds the indexes anew, in memory.
    func rebuildIndexes(
        _ access: ReadAccess = .blocking,
        interval: ByteCount = LogSettings().indexInterval
    ) throws(FileSystemError) {
        try mayOpen(access)
        let file = try file()
        let end = FilePosition.zero + (try file.size())
        var rebuilt = SegmentIndexes(baseOffset: baseOffset)
        var cursor = BatchHeaderCursor(file, end: end)
        var position = FilePosition.zero
        while let header = try cursor.header(at: position) {
            rebuilt.note(header, at: position, interval: interval)
            position = position + header.sizeInBytes
        }
        rebuilt.finish()
        let indexes = Indexes.inMemory(rebuilt)
        state.withLock { $0.indexes = indexes }
    }

    private enum Lookup<Value> {
        case found(Value)
        case files(IndexFile<OffsetIndexEntry>, IndexFile<TimeIndexEntry>)
    }

    /// Asks the indexes in memory, under the lock; hands out the files to be searched outside it.
    private func lookUp<Value: Sendable>(
        _ access: ReadAccess,
        _ ask: (borrowing SegmentIndexes) -> Value
    ) throws(FileSystemError) -> Lookup<Value> {
        for _ in 0..<2 {
            let answer = state.withLock { state -> Lookup<Value>? in
                switch state.indexes {
                case .inMemory(let indexes): .found(ask(indexes))
                case .files(let offsets, let times): .files(offsets, times)
                case .unopened: nil
                }
            }
            if let answer { return answer }
            try mayOpen(access)
            try openIndexes()
            if state.withLock({ $0.isReplaced }) { throw gone }
        }
        // The owner gave up its memory twice meanwhile; the walk from the start is always right.
        return .found(ask(SegmentIndexes(baseOffset: baseOffset)))
    }

    /// Opening asks the disk for names, and a damaged index is read whole.
    private func mayOpen(_ access: ReadAccess) throws(FileSystemError) {
        if case .resident = access { throw .wouldBlock }
    }

    private func openIndexes() throws(FileSystemError) {
        if let offsets = try openIndex(.offsetIndex, OffsetIndexEntry.self),
            let times = try openIndex(.timeIndex, TimeIndexEntry.self),
            // Sealed records without a single time: more likely lost than never given.
            times.count > 0
        {
            state.withLock { state in
                guard case .unopened = state.indexes, !state.isRetired else { return }
                state.indexes = .files(offsets, times)
            }
        } else {
            try rebuildIndexes()
        }
    }

    /// Nil when the file is missing or no index.
    private func openIndex<Entry: IndexEntry>(
        _ kind: SegmentFiles.Kind,
        _: Entry.Type
    ) throws(FileSystemError) -> IndexFile<Entry>? {
        do throws(FileSystemError) {
            return try IndexFile(try fileSystem.open(path(kind), .read))
        } catch {
            guard error.reason == .notFound else { throw error }
            return nil
        }
    }
}

extension FileSystem {
    package func openOrCreate(_ path: String) throws(FileSystemError) -> any File {
        do throws(FileSystemError) {
            return try open(path, .write)
        } catch {
            guard error.reason == .notFound else { throw error }
            return try open(path, .create)
        }
    }
}
