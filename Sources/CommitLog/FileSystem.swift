import BrokerModel

/// The seam between the log and the disk: called per batch, never per record, so that a test can
/// crash at every call, tear writes, lose renames and fail syncs.
///
/// Nothing is durable until it is synced: a file's bytes by `File.sync`, its name by
/// `syncDirectory` of the directory that holds it. Unsynced work survives a power cut whole, in
/// part, in another order or not at all.
public protocol FileSystem: AnyObject, Sendable {
    /// What this file system was asked to do so far.
    var counters: StorageCounters { get }

    func open(_ path: String, _ mode: FileMode) throws(FileSystemError) -> any File
    func list(_ directory: String) throws(FileSystemError) -> [DirectoryEntry]
    func createDirectory(_ path: String) throws(FileSystemError)
    /// Removes an empty directory.
    func removeDirectory(_ path: String) throws(FileSystemError)
    func removeFile(_ path: String) throws(FileSystemError)
    /// Replaces what `target` named before, atomically. Both lie in one directory.
    func rename(_ path: String, to target: String) throws(FileSystemError)
    func syncDirectory(_ path: String) throws(FileSystemError)
    /// Takes a lock on the file, creating it; busy when another process holds it. The lock lasts
    /// as long as the result lives, and no longer than the process.
    func lock(_ path: String) throws(FileSystemError) -> any FileLock
}

/// An open file. It stays open, and readable, while somebody holds it.
public protocol File: AnyObject, Sendable {
    func size() throws(FileSystemError) -> ByteCount
    /// Reads until the buffer is full or the file ends; returns how many bytes it read.
    func read(
        at position: FilePosition,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileSystemError) -> Int
    /// The same for a thread that must not wait for a disk: ends also in front of the first page
    /// that is not in memory. Nil when not even the first page is, or when nobody can tell.
    func readResident(
        at position: FilePosition,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileSystemError) -> Int?
    /// Writes all of it. After a failure any part may have been written.
    func write(_ bytes: UnsafeRawBufferPointer, at position: FilePosition) throws(FileSystemError)
    func truncate(to size: ByteCount) throws(FileSystemError)
    /// Has the disk keep room for the first bytes, without a change of the size; does nothing where
    /// the file system cannot, or has not so much. `truncate` gives back what is past the end.
    func preallocate(_ size: ByteCount)
    /// Makes bytes and size durable. After a failure nobody knows what is on the disk, and a later
    /// success proves nothing about what was written before.
    func sync() throws(FileSystemError)
}

extension File {
    /// For files that are memory themselves.
    public func readResident(
        at position: FilePosition,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileSystemError) -> Int? { try read(at: position, into: buffer) }

    public func preallocate(_ size: ByteCount) {}

    /// Reads as `access` allows; what it does not allow is refused with `wouldBlock`.
    func read(
        at position: FilePosition,
        into buffer: UnsafeMutableRawBufferPointer,
        _ access: ReadAccess
    ) throws(FileSystemError) -> Int {
        switch access {
        case .blocking: return try read(at: position, into: buffer)
        case .resident:
            let count = try readResident(at: position, into: buffer)
            guard let count else { throw .wouldBlock }
            return count
        }
    }
}

/// What a reader may do to get at bytes.
public enum ReadAccess: Sendable {
    /// Wait for the disk, open files, rebuild an index.
    case blocking
    /// Take what is in memory. All else fails at once, with the reason `wouldBlock`.
    case resident
}

/// Held while it lives.
public protocol FileLock: AnyObject, Sendable {}

public enum FileMode: Sendable {
    case read
    /// Reads and writes a file that exists.
    case write
    /// Reads and writes a file that must not exist yet.
    case create
}

public struct DirectoryEntry: Equatable, Sendable {
    public let name: String
    public let isDirectory: Bool

    public init(name: String, isDirectory: Bool) {
        self.name = name
        self.isDirectory = isDirectory
    }
}

/// What the disk was asked for, from any thread: the base of the flash-wear figures (P6).
public final class StorageCounters: Sendable {
    public let bytesWritten = Counter()
    public let bytesRead = Counter()
    public let syncs = Counter()

    public init() {}
}

/// Why a file call failed: what was tried, on what, and the reason.
public struct FileSystemError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Operation: String, Sendable {
        case open, create, list, read, write, truncate, sync, rename, remove, lock
        case createDirectory = "create directory"
        case syncDirectory = "sync directory"
        case size = "read size of"
    }

    public enum Reason: Equatable, Sendable {
        case notFound, exists, noSpace, readOnly, notPermitted, io, busy, notADirectory
        case tooManyOpenFiles
        /// Only a read with `ReadAccess.resident` fails so: the disk has to be asked.
        case wouldBlock
        case other(String)
    }

    public let operation: Operation
    public let path: String
    public let reason: Reason

    public init(_ operation: Operation, _ path: String, _ reason: Reason) {
        self.operation = operation
        self.path = path
        self.reason = reason
    }

    /// What a resident read answers where the disk would have to be asked.
    public static let wouldBlock = FileSystemError(.read, "what is on the disk", .wouldBlock)

    public var description: String { "cannot \(operation.rawValue) \(path): \(reason.text)" }
}

extension FileSystemError.Reason {
    /// The reason with its remedy, for the operator.
    var text: String {
        switch self {
        case .notFound: "it does not exist"
        case .exists: "it exists already"
        case .noSpace: "the disk is full; free space on it"
        case .readOnly: "the file system is mounted read-only; remount it for writing"
        case .notPermitted: "permission denied; give the service's user access to it"
        case .io: "input/output error; check the disk and its cable"
        case .busy: "another process holds it"
        case .notADirectory: "a part of the path is no directory"
        case .tooManyOpenFiles: "too many open files; raise the limit (ulimit -n)"
        case .wouldBlock: "it is not in memory"
        case .other(let words): words
        }
    }
}
