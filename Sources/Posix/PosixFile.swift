import CPosix

/// An errno, as the system gave it.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    public let code: Int32

    public init(code: Int32) { self.code = code }

    /// What a program can act upon.
    public enum Kind: Equatable, Sendable {
        case notFound, exists, noSpace, readOnly, notPermitted, io, busy, notADirectory
        case tooManyOpenFiles, other
    }

    public var kind: Kind {
        switch cposix_error(UInt32(bitPattern: cposix_error_kind(code))) {
        case CPOSIX_ERROR_NOT_FOUND: .notFound
        case CPOSIX_ERROR_EXISTS: .exists
        case CPOSIX_ERROR_NO_SPACE: .noSpace
        case CPOSIX_ERROR_READ_ONLY: .readOnly
        case CPOSIX_ERROR_NOT_PERMITTED: .notPermitted
        case CPOSIX_ERROR_IO: .io
        case CPOSIX_ERROR_BUSY: .busy
        case CPOSIX_ERROR_NOT_A_DIRECTORY: .notADirectory
        case CPOSIX_ERROR_TOO_MANY_OPEN: .tooManyOpenFiles
        default: .other
        }
    }

    /// The system's own words.
    public var description: String { PosixError(code: code, call: "").reason }
}

/// An open file, or a lock on one. It stays open while somebody holds it, so that a reader may
/// finish with a file that its owner has replaced or removed.
public final class PosixFile: Sendable {
    public enum Mode: Sendable { case read, write, create }

    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { cposix_file_close(descriptor) }

    public static func open(_ path: String, _ mode: Mode) throws(SystemError) -> PosixFile {
        let flags =
            switch mode {
            case .read: CPOSIX_OPEN_READ
            case .write: CPOSIX_OPEN_WRITE
            case .create: CPOSIX_OPEN_CREATE
            }
        return PosixFile(descriptor: try checked(cposix_file_open(path, Int32(flags.rawValue))))
    }

    /// Takes the lock on `path` for this process alone, and keeps it while the result lives.
    public static func lock(_ path: String) throws(SystemError) -> PosixFile {
        PosixFile(descriptor: try checked(cposix_file_lock(path)))
    }

    /// Reads until the buffer is full or the file ends.
    public func read(
        at position: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int {
        guard let start = buffer.baseAddress, buffer.count > 0 else { return 0 }
        return Int(
            try checked(cposix_file_read(descriptor, start, buffer.count, Int64(position)))
        )
    }

    /// Reads until the buffer is full, the file ends or a page is not in memory. Nil when not even
    /// the first page is, or when the file system cannot tell. Never waits for a disk.
    public func readResident(
        at position: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int? {
        guard let start = buffer.baseAddress, buffer.count > 0 else { return 0 }
        let count = cposix_file_read_resident(descriptor, start, buffer.count, Int64(position))
        if count == -Int64(ErrorCode.wouldBlock) { return nil }
        return Int(try checked(count))
    }

    /// Writes all of it, or fails; a failure may leave a part written.
    public func write(_ bytes: UnsafeRawBufferPointer, at position: Int) throws(SystemError) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        _ = try checked(cposix_file_write(descriptor, start, bytes.count, Int64(position)))
    }

    public func size() throws(SystemError) -> Int {
        Int(try checked(cposix_file_size(descriptor)))
    }

    public func truncate(to size: Int) throws(SystemError) {
        _ = try checked(cposix_file_truncate(descriptor, Int64(size)))
    }

    /// Has the disk keep room for the first `size` bytes; the file's own size stays. Where the file
    /// system cannot, or has no room, nothing happens: a write tells soon enough.
    public func preallocate(_ size: Int) {
        _ = cposix_file_preallocate(descriptor, Int64(size))
    }

    /// `fdatasync`. A failure is final: the same data must never be reported as synced later.
    public func sync() throws(SystemError) {
        _ = try checked(cposix_file_sync(descriptor))
    }
}

/// What is done to names rather than to open files.
public enum PosixDirectory {
    public struct Entry: Equatable, Sendable {
        public let name: String
        public let isDirectory: Bool
    }

    private final class Listing { var entries: [Entry] = [] }

    public static func list(_ path: String) throws(SystemError) -> [Entry] {
        let listing = Listing()
        let context = Unmanaged.passUnretained(listing).toOpaque()
        let result = cposix_directory_list(path, context) { context, name, isDirectory in
            guard let context, let name else { return }
            let listing = Unmanaged<Listing>.fromOpaque(context).takeUnretainedValue()
            let entry = Entry(name: String(cString: name), isDirectory: isDirectory != 0)
            listing.entries.append(entry)
        }
        _ = try checked(result)
        return listing.entries
    }

    public static func create(_ path: String) throws(SystemError) {
        _ = try checked(cposix_directory_create(path))
    }

    /// Removes an empty directory.
    public static func removeDirectory(_ path: String) throws(SystemError) {
        _ = try checked(cposix_directory_remove(path))
    }

    public static func removeFile(_ path: String) throws(SystemError) {
        _ = try checked(cposix_remove(path))
    }

    public static func rename(_ from: String, to: String) throws(SystemError) {
        _ = try checked(cposix_rename(from, to))
    }

    /// Makes creations, renames and removals in this directory durable.
    public static func sync(_ path: String) throws(SystemError) {
        _ = try checked(cposix_directory_sync(path))
    }
}

private func checked<Result: SignedInteger>(_ result: Result) throws(SystemError) -> Result {
    guard result < 0 else { return result }
    throw SystemError(code: Int32(truncatingIfNeeded: -result))
}
