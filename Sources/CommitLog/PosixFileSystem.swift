import BrokerModel
import Posix

/// The machine's own files.
public final class PosixFileSystem: FileSystem {
    public let counters = StorageCounters()

    public init() {}

    public func open(_ path: String, _ mode: FileMode) throws(FileSystemError) -> any File {
        let (posixMode, operation): (PosixFile.Mode, FileSystemError.Operation) =
            switch mode {
            case .read: (.read, .open)
            case .write: (.write, .open)
            case .create: (.create, .create)
            }
        let file = try attempt(operation, path) { () throws(SystemError) in
            try PosixFile.open(path, posixMode)
        }
        return OpenFile(file, path: path, counters: counters)
    }

    public func list(_ directory: String) throws(FileSystemError) -> [DirectoryEntry] {
        try attempt(.list, directory) { () throws(SystemError) in
            try PosixDirectory.list(directory)
        }.map { DirectoryEntry(name: $0.name, isDirectory: $0.isDirectory) }
    }

    public func createDirectory(_ path: String) throws(FileSystemError) {
        try attempt(.createDirectory, path) { () throws(SystemError) in
            try PosixDirectory.create(path)
        }
    }

    public func removeDirectory(_ path: String) throws(FileSystemError) {
        try attempt(.remove, path) { () throws(SystemError) in
            try PosixDirectory.removeDirectory(path)
        }
    }

    public func removeFile(_ path: String) throws(FileSystemError) {
        try attempt(.remove, path) { () throws(SystemError) in
            try PosixDirectory.removeFile(path)
        }
    }

    public func rename(_ path: String, to target: String) throws(FileSystemError) {
        try attempt(.rename, path) { () throws(SystemError) in
            try PosixDirectory.rename(path, to: target)
        }
    }

    public func syncDirectory(_ path: String) throws(FileSystemError) {
        counters.syncs.add()
        try attempt(.syncDirectory, path) { () throws(SystemError) in
            try PosixDirectory.sync(path)
        }
    }

    public func lock(_ path: String) throws(FileSystemError) -> any FileLock {
        let file = try attempt(.lock, path) { () throws(SystemError) in
            try PosixFile.lock(path)
        }
        return HeldLock(file)
    }
}

private final class HeldLock: FileLock {
    private let file: PosixFile
    init(_ file: PosixFile) { self.file = file }
}

private final class OpenFile: File {
    private let file: PosixFile
    private let path: String
    private let counters: StorageCounters

    init(_ file: PosixFile, path: String, counters: StorageCounters) {
        self.file = file
        self.path = path
        self.counters = counters
    }

    func size() throws(FileSystemError) -> ByteCount {
        ByteCount(try attempt(.size, path) { () throws(SystemError) in try file.size() })
    }

    func read(
        at position: FilePosition,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileSystemError) -> Int {
        let count = try attempt(.read, path) { () throws(SystemError) in
            try file.read(at: position.rawValue, into: buffer)
        }
        counters.bytesRead.add(count)
        return count
    }

    func readResident(
        at position: FilePosition,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileSystemError) -> Int? {
        let count = try attempt(.read, path) { () throws(SystemError) in
            try file.readResident(at: position.rawValue, into: buffer)
        }
        counters.bytesRead.add(count ?? 0)
        return count
    }

    func write(_ bytes: UnsafeRawBufferPointer, at position: FilePosition) throws(FileSystemError) {
        counters.bytesWritten.add(bytes.count)
        try attempt(.write, path) { () throws(SystemError) in
            try file.write(bytes, at: position.rawValue)
        }
    }

    func truncate(to size: ByteCount) throws(FileSystemError) {
        try attempt(.truncate, path) { () throws(SystemError) in
            try file.truncate(to: size.rawValue)
        }
    }

    func preallocate(_ size: ByteCount) { file.preallocate(size.rawValue) }

    func sync() throws(FileSystemError) {
        counters.syncs.add()
        try attempt(.sync, path) { () throws(SystemError) in try file.sync() }
    }
}

private func attempt<Result>(
    _ operation: FileSystemError.Operation,
    _ path: String,
    _ body: () throws(SystemError) -> Result
) throws(FileSystemError) -> Result {
    do {
        return try body()
    } catch {
        throw FileSystemError(operation, path, FileSystemError.Reason(error))
    }
}

extension FileSystemError.Reason {
    fileprivate init(_ error: SystemError) {
        self =
            switch error.kind {
            case .notFound: .notFound
            case .exists: .exists
            case .noSpace: .noSpace
            case .readOnly: .readOnly
            case .notPermitted: .notPermitted
            case .io: .io
            case .busy: .busy
            case .notADirectory: .notADirectory
            case .tooManyOpenFiles: .tooManyOpenFiles
            case .other: .other(error.description)
            }
    }
}
