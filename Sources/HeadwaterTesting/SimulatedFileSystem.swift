import BrokerModel
import CommitLog
import Synchronization

/// Files in memory that can be crashed at any call.
///
/// From the crash on every call fails and changes nothing, so that whatever runs unwinds;
/// `survivors` is the machine after the power cut.
public final class SimulatedFileSystem: FileSystem {
    public let counters = StorageCounters()
    private let state: Mutex<State>

    fileprivate struct State: Sendable {
        let disk: SimulatedDisk
        var faults = SimulatedFaults()
        var calls = 0
        var hasCrashed = false
        var locked: Set<String> = []
        var bytesReadByPath: [String: Int] = [:]
    }

    public init() { state = Mutex(State(disk: SimulatedDisk())) }

    private init(disk: SimulatedDisk) { state = Mutex(State(disk: disk)) }

    // MARK: What a test does

    /// How many calls were made so far.
    public var calls: Int { state.withLock { $0.calls } }
    public var hasCrashed: Bool { state.withLock { $0.hasCrashed } }

    public func setFaults(_ faults: SimulatedFaults) { state.withLock { $0.faults = faults } }

    /// Crashes during the call of this number, counted from the first one of this file system.
    public func crash(atCall call: Int) { state.withLock { $0.faults.crashAtCall = call } }

    /// The machine after a power cut at this moment. This one is left as it is.
    public func survivors(seed: UInt64) -> SimulatedFileSystem {
        state.withLock { state in
            var crash = SimulatedCrash(seed: seed)
            return SimulatedFileSystem(disk: crash.survivors(of: state.disk))
        }
    }

    /// The same machine after its process was killed: nothing is lost, and nothing more is durable
    /// than before. This one is dead from here on.
    public func killProcess() -> SimulatedFileSystem {
        state.withLock { state in
            state.hasCrashed = true
            return SimulatedFileSystem(disk: state.disk)
        }
    }

    /// Bytes read since the start or the last reset, by the path that was opened.
    public var bytesReadByPath: [String: Int] { state.withLock { $0.bytesReadByPath } }
    public func resetBytesRead() { state.withLock { $0.bytesReadByPath.removeAll() } }

    /// A file as programs see it now; nil when there is none. Counts as no call.
    public func contents(_ path: String) -> [UInt8]? {
        state.withLock { state in
            state.disk.find(path).map { Array(state.disk.nodes[$0].current.bytes) }
        }
    }

    /// What of a file is synced.
    public func syncedContents(_ path: String) -> [UInt8]? {
        state.withLock { state in
            state.disk.find(path).map { Array(state.disk.nodes[$0].durable.bytes) }
        }
    }

    /// Overwrites bytes of a file as damage does: at once and durably. Counts as no call.
    public func damage(_ path: String, at position: Int, with bytes: [UInt8]) {
        state.withLock { state in
            guard let node = state.disk.find(path).map({ state.disk.nodes[$0] }) else { return }
            bytes.withUnsafeBytes { state.disk.write($0, to: node, at: position) }
            state.disk.sync(node)
        }
    }

    // MARK: FileSystem

    public func open(_ path: String, _ mode: FileMode) throws(FileSystemError) -> any File {
        let operation: FileSystemError.Operation = mode == .create ? .create : .open
        let number = try call(operation, path) { state throws(FileSystemError) in
            let found = state.disk.find(path)
            guard mode == .create else {
                guard let found else { throw FileSystemError(operation, path, .notFound) }
                return found
            }
            guard found == nil else { throw FileSystemError(operation, path, .exists) }
            guard let (directory, name) = state.disk.parent(of: path) else {
                throw FileSystemError(operation, path, .notFound)
            }
            return state.disk.add(name, to: directory, isDirectory: false)
        }
        return SimulatedFile(self, number: number, path: path)
    }

    public func list(_ directory: String) throws(FileSystemError) -> [DirectoryEntry] {
        try call(.list, directory) { state throws(FileSystemError) in
            let node = try state.directory(directory, .list)
            return node.names.map {
                DirectoryEntry(name: $0.key, isDirectory: state.disk.nodes[$0.value].isDirectory)
            }
        }
    }

    public func createDirectory(_ path: String) throws(FileSystemError) {
        try call(.createDirectory, path) { state throws(FileSystemError) in
            guard state.disk.find(path) == nil else {
                throw FileSystemError(.createDirectory, path, .exists)
            }
            guard let (directory, name) = state.disk.parent(of: path) else {
                throw FileSystemError(.createDirectory, path, .notFound)
            }
            _ = state.disk.add(name, to: directory, isDirectory: true)
        }
    }

    public func removeDirectory(_ path: String) throws(FileSystemError) {
        try call(.remove, path) { state throws(FileSystemError) in
            guard try state.directory(path, .remove).names.isEmpty else {
                throw FileSystemError(.remove, path, .exists)
            }
            try state.remove(path)
        }
    }

    public func removeFile(_ path: String) throws(FileSystemError) {
        try call(.remove, path) { state throws(FileSystemError) in try state.remove(path) }
    }

    public func rename(_ path: String, to target: String) throws(FileSystemError) {
        try call(.rename, path) { state throws(FileSystemError) in
            guard let node = state.disk.find(path), let from = state.disk.parent(of: path),
                let to = state.disk.parent(of: target), from.directory === to.directory
            else { throw FileSystemError(.rename, path, .notFound) }
            if let old = state.disk.find(target), state.disk.nodes[old].isDirectory {
                throw FileSystemError(.rename, target, .exists)
            }
            state.disk.apply(.rename(from.name, to: to.name, node), to: from.directory)
        }
    }

    public func syncDirectory(_ path: String) throws(FileSystemError) {
        counters.syncs.add()
        try call(.syncDirectory, path) { state throws(FileSystemError) in
            let node = try state.directory(path, .syncDirectory)
            guard !state.hasCrashed, !state.faults.ignoresSync(of: path) else { return }
            state.disk.syncNames(node)
        }
    }

    public func lock(_ path: String) throws(FileSystemError) -> any FileLock {
        try call(.lock, path) { state throws(FileSystemError) in
            guard state.locked.insert(path).inserted else {
                throw FileSystemError(.lock, path, .busy)
            }
            guard state.disk.find(path) == nil else { return }
            guard let (directory, name) = state.disk.parent(of: path) else {
                throw FileSystemError(.lock, path, .notFound)
            }
            _ = state.disk.add(name, to: directory, isDirectory: false)
        }
        return SimulatedLock(self, path)
    }

    fileprivate func unlock(_ path: String) {
        state.withLock { _ = $0.locked.remove(path) }
    }

    // MARK: Files

    fileprivate func size(_ file: SimulatedFile) throws(FileSystemError) -> ByteCount {
        try call(.size, file.path) { state throws(FileSystemError) in
            ByteCount(state.disk.nodes[file.number].current.count)
        }
    }

    fileprivate func read(
        _ file: SimulatedFile,
        at position: FilePosition,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileSystemError) -> Int {
        let count = try call(.read, file.path) { state throws(FileSystemError) in
            let node = state.disk.nodes[file.number]
            let count = node.current.read(at: position.rawValue, into: buffer)
            state.bytesReadByPath[file.path, default: 0] += count
            return count
        }
        counters.bytesRead.add(count)
        return count
    }

    fileprivate func write(
        _ file: SimulatedFile,
        _ bytes: UnsafeRawBufferPointer,
        at position: FilePosition
    ) throws(FileSystemError) {
        counters.bytesWritten.add(bytes.count)
        try call(.write, file.path) { state throws(FileSystemError) in
            let node = state.disk.nodes[file.number]
            let room = state.room(for: bytes.count, at: position.rawValue, of: node)
            let part = UnsafeRawBufferPointer(rebasing: bytes[..<room])
            state.disk.write(part, to: node, at: position.rawValue)
            guard room == bytes.count else { throw FileSystemError(.write, file.path, .noSpace) }
        }
    }

    fileprivate func truncate(
        _ file: SimulatedFile,
        to size: ByteCount
    ) throws(FileSystemError) {
        try call(.truncate, file.path) { state throws(FileSystemError) in
            state.disk.truncate(state.disk.nodes[file.number], to: size.rawValue)
        }
    }

    fileprivate func preallocate(_ file: SimulatedFile, _ size: ByteCount) {
        state.withLock { $0.disk.nodes[file.number].preallocated = size.rawValue }
    }

    /// How much room a file was given beside what it holds.
    public func preallocated(_ path: String) -> ByteCount {
        state.withLock { state in
            ByteCount(state.disk.find(path).map { state.disk.nodes[$0].preallocated } ?? 0)
        }
    }

    fileprivate func sync(_ file: SimulatedFile) throws(FileSystemError) {
        counters.syncs.add()
        try call(.sync, file.path) { state throws(FileSystemError) in
            guard !state.hasCrashed, !state.faults.ignoresSync(of: file.path) else { return }
            state.disk.sync(state.disk.nodes[file.number])
        }
    }

    /// Counts a call, lets `body` do it, and brings in whatever fault is due. During a crash the
    /// call still takes effect in memory, and nothing is durable that was not before.
    private func call<Result>(
        _ operation: FileSystemError.Operation,
        _ path: String,
        _ body: (inout State) throws(FileSystemError) -> Result
    ) throws(FileSystemError) -> Result {
        try state.withLock { state throws(FileSystemError) in
            let crashed = FileSystemError(operation, path, .other("the machine has crashed"))
            guard !state.hasCrashed else { throw crashed }
            state.calls += 1
            if let reason = state.faults.failure(of: operation, on: path) {
                if operation == .sync, let node = state.disk.find(path) {
                    state.disk.failSync(state.disk.nodes[node])
                }
                throw FileSystemError(operation, path, reason)
            }
            guard state.calls == state.faults.crashAtCall else { return try body(&state) }
            state.hasCrashed = true
            _ = try body(&state)
            throw crashed
        }
    }
}

extension SimulatedFileSystem.State {
    fileprivate func directory(
        _ path: String,
        _ operation: FileSystemError.Operation
    ) throws(FileSystemError) -> SimulatedDisk.Node {
        guard let number = disk.find(path) else { throw .init(operation, path, .notFound) }
        guard disk.nodes[number].isDirectory else { throw .init(operation, path, .notADirectory) }
        return disk.nodes[number]
    }

    fileprivate func remove(_ path: String) throws(FileSystemError) {
        guard disk.find(path) != nil, let (directory, name) = disk.parent(of: path) else {
            throw FileSystemError(.remove, path, .notFound)
        }
        disk.apply(.remove(name), to: directory)
    }

    /// How many of `count` bytes the disk still takes.
    fileprivate func room(for count: Int, at position: Int, of file: SimulatedDisk.Node) -> Int {
        guard let capacity = faults.capacity else { return count }
        let growth = max(0, position + count - file.current.count)
        let over = max(0, disk.bytesUsed + growth - capacity.rawValue)
        return max(0, count - over)
    }
}

private final class SimulatedFile: File {
    let number: Int
    let path: String
    private let fileSystem: SimulatedFileSystem

    init(_ fileSystem: SimulatedFileSystem, number: Int, path: String) {
        self.fileSystem = fileSystem
        self.number = number
        self.path = path
    }

    func size() throws(FileSystemError) -> ByteCount { try fileSystem.size(self) }

    func read(
        at position: FilePosition,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileSystemError) -> Int {
        try fileSystem.read(self, at: position, into: buffer)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at position: FilePosition) throws(FileSystemError) {
        try fileSystem.write(self, bytes, at: position)
    }

    func truncate(to size: ByteCount) throws(FileSystemError) {
        try fileSystem.truncate(self, to: size)
    }

    func preallocate(_ size: ByteCount) { fileSystem.preallocate(self, size) }

    func sync() throws(FileSystemError) { try fileSystem.sync(self) }
}

private final class SimulatedLock: FileLock {
    private let fileSystem: SimulatedFileSystem
    private let path: String

    init(_ fileSystem: SimulatedFileSystem, _ path: String) {
        self.fileSystem = fileSystem
        self.path = path
    }

    deinit { fileSystem.unlock(path) }
}
