import BrokerModel
import CommitLog
import HeadwaterTesting
import Posix
import Synchronization

let testDeadline = Duration.seconds(20)

/// Lets one thread wait until others have brought a condition about.
final class Waiter: Sendable {
    private let event: WakeEvent

    init() {
        guard let event = try? WakeEvent() else { preconditionFailure("no descriptor is left") }
        self.event = event
    }

    /// Tells the waiting thread to look again.
    func wake() { event.signal() }

    /// False when the condition does not hold in time.
    func wait(until condition: () -> Bool) -> Bool {
        guard let epoll = try? Epoll() else { preconditionFailure("no descriptor is left") }
        try? epoll.add(event.descriptor, .input, tag: 0)
        let end = SystemClock.monotonicNanoseconds + testDeadline.nanoseconds
        while true {
            event.clear()
            if condition() { return true }
            let left = end - SystemClock.monotonicNanoseconds
            guard left > 0 else { return false }
            _ = epoll.wait(milliseconds: Int32(left / 1_000_000 + 1))
        }
    }
}

/// Stops the storage thread in front of its next sync, for as long as a test wants.
final class SyncGate: Sendable {
    private struct State {
        var isOpen = true
        /// What the next syncs become; each lets one through a closed gate.
        var outcomes: [Bool] = []
        var isBlocked = false
    }

    private let state = Mutex(State())
    private let storage = Waiter()
    private let test = Waiter()

    func close() { state.withLock { $0.isOpen = false } }

    func open() {
        state.withLock { $0.isOpen = true }
        storage.wake()
    }

    /// Lets the next sync through, and says what comes of it.
    func permit(succeeding: Bool) {
        state.withLock { state in
            state.outcomes.append(succeeding)
            state.isBlocked = false
        }
        storage.wake()
    }

    /// Whether a sync has come to the closed gate.
    func waitUntilBlocked() -> Bool { test.wait { state.withLock(\.isBlocked) } }

    /// False when the sync is to fail.
    fileprivate func pass() -> Bool {
        var outcome: Bool?
        _ = storage.wait {
            outcome = state.withLock { state in
                if !state.outcomes.isEmpty { return state.outcomes.removeFirst() }
                state.isBlocked = !state.isOpen
                return state.isOpen ? true : nil
            }
            if outcome == nil { test.wake() }
            return outcome != nil
        }
        return outcome ?? false
    }
}

/// A simulated disk whose syncs of log data have to pass a gate.
final class GatedFileSystem: FileSystem {
    let gate = SyncGate()
    private let disk = SimulatedFileSystem()

    var counters: StorageCounters { disk.counters }

    func open(_ path: String, _ mode: FileMode) throws(FileSystemError) -> any File {
        let file = try disk.open(path, mode)
        return path.hasSuffix(".log") ? GatedFile(file, path: path, gate: gate) : file
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

private final class GatedFile: File {
    private let file: any File
    private let path: String
    private let gate: SyncGate

    init(_ file: any File, path: String, gate: SyncGate) {
        self.file = file
        self.path = path
        self.gate = gate
    }

    func size() throws(FileSystemError) -> ByteCount { try file.size() }

    func read(
        at position: FilePosition,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileSystemError) -> Int { try file.read(at: position, into: buffer) }

    func write(_ bytes: UnsafeRawBufferPointer, at position: FilePosition) throws(FileSystemError) {
        try file.write(bytes, at: position)
    }

    func truncate(to size: ByteCount) throws(FileSystemError) { try file.truncate(to: size) }

    func sync() throws(FileSystemError) {
        guard gate.pass() else { throw FileSystemError(.sync, path, .io) }
        try file.sync()
    }
}
