import BrokerModel
import CommitLog
import HeadwaterTesting
import Posix
import Synchronization

/// A simulated disk of which only the newest part is in memory: the rest has to be waited for, for
/// as long as a test wants.
final class ColdDisk: FileSystem {
    private struct State {
        /// Positions of log data below this are on the disk alone.
        var coldBelow = 0
        /// Positions from this one on, too.
        var residentBelow = Int.max
        var isHeld = false
        var blocked = 0
        /// Blocking reads of log data.
        var reads = 0
    }

    private let disk = SimulatedFileSystem()
    private let state = Mutex(State())
    private let gate = ThreadSemaphore()

    var counters: StorageCounters { disk.counters }
    /// Threads that wait in a read.
    var blocked: Int { state.withLock(\.blocked) }
    var reads: Int { state.withLock(\.reads) }

    /// Makes the first bytes of every data file cold.
    func cool(below position: Int) { state.withLock { $0.coldBelow = position } }

    /// Leaves only what lies before this position in memory.
    func cool(from position: Int) { state.withLock { $0.residentBelow = position } }

    /// From now on whoever reads cold bytes waits for `release`.
    func hold() { state.withLock { $0.isHeld = true } }

    func release() {
        let waiting = state.withLock { state in
            state.isHeld = false
            defer { state.blocked = 0 }
            return state.blocked
        }
        for _ in 0..<waiting { gate.signal() }
    }

    /// How many of `wanted` bytes are in memory from `position` on.
    fileprivate func resident(from position: Int, wanted: Int) -> Int {
        state.withLock { state in
            guard position >= state.coldBelow else { return 0 }
            return min(wanted, max(0, state.residentBelow - position))
        }
    }

    fileprivate func waitForDisk(at position: Int) {
        let mustWait = state.withLock { state in
            state.reads += 1
            guard state.isHeld, position < state.coldBelow else { return false }
            state.blocked += 1
            return true
        }
        if mustWait { gate.wait() }
    }

    func open(_ path: String, _ mode: FileMode) throws(FileSystemError) -> any File {
        let file = try disk.open(path, mode)
        return path.hasSuffix(".log") ? ColdFile(file, on: self) : file
    }

    func list(_ directory: String) throws(FileSystemError) -> [DirectoryEntry] {
        try disk.list(directory)
    }

    func createDirectory(_ path: String) throws(FileSystemError) { try disk.createDirectory(path) }
    func removeDirectory(_ path: String) throws(FileSystemError) { try disk.removeDirectory(path) }
    func removeFile(_ path: String) throws(FileSystemError) { try disk.removeFile(path) }
    func syncDirectory(_ path: String) throws(FileSystemError) { try disk.syncDirectory(path) }

    func rename(_ path: String, to target: String) throws(FileSystemError) {
        try disk.rename(path, to: target)
    }

    func lock(_ path: String) throws(FileSystemError) -> any FileLock { try disk.lock(path) }
}

private final class ColdFile: File {
    private let file: any File
    private let disk: ColdDisk

    init(_ file: any File, on disk: ColdDisk) {
        self.file = file
        self.disk = disk
    }

    func size() throws(FileSystemError) -> ByteCount { try file.size() }

    func read(
        at position: FilePosition,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileSystemError) -> Int {
        disk.waitForDisk(at: position.rawValue)
        return try file.read(at: position, into: buffer)
    }

    func readResident(
        at position: FilePosition,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileSystemError) -> Int? {
        let count = disk.resident(from: position.rawValue, wanted: buffer.count)
        guard count > 0 || buffer.isEmpty else { return nil }
        return try file.read(at: position, into: .init(rebasing: buffer[..<count]))
    }

    func write(_ bytes: UnsafeRawBufferPointer, at position: FilePosition) throws(FileSystemError) {
        try file.write(bytes, at: position)
    }

    func truncate(to size: ByteCount) throws(FileSystemError) { try file.truncate(to: size) }
    func sync() throws(FileSystemError) { try file.sync() }
}
