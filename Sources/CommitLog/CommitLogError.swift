import BrokerModel

/// Why the log refused, or could not. A case names what the caller, the disk or damage did.
public enum CommitLogError: Error, Equatable, Sendable {
    case fileSystem(FileSystemError)
    /// A write or a sync failed earlier. Nothing more is acknowledged until a restart has recovered
    /// the log: what the disk holds past the high watermark is unknown.
    case readOnly(FileSystemError)
    /// The log was closed in order; what came later would lie behind the mark of a clean stop.
    case closed
    case batchTooLarge(ByteCount, most: ByteCount)
    /// The bytes to append are not whole, valid batches; nothing of them was written.
    case malformedBatch(at: FilePosition)
    case offsetOutOfRange(Offset, logStartOffset: Offset, highWatermark: Offset)
    /// The file does not hold what its name promises, from this position on.
    case damaged(path: String, at: FilePosition)
    /// The folder lacks its data, or holds a file that nobody can read.
    case unusable(path: String, why: String)
}

extension CommitLogError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .fileSystem(let error): error.description
        case .readOnly(let error):
            "the log is read-only until a restart, after a failure: \(error)"
        case .closed: "the log has been closed"
        case .batchTooLarge(let size, let most):
            "a batch of \(size.rawValue) bytes is over the limit of \(most.rawValue)"
        case .malformedBatch(let position):
            "no whole and valid record batch at byte \(position.rawValue)"
        case .offsetOutOfRange(let offset, let start, let end):
            "offset \(offset.rawValue) lies outside of \(start.rawValue)...\(end.rawValue)"
        case .damaged(let path, let position):
            "\(path) is damaged from byte \(position.rawValue) on"
        case .unusable(let path, let why): "\(path) cannot be used: \(why)"
        }
    }
}

/// Runs a file call and reports its failure as the log's own.
func onDisk<Result>(
    _ body: () throws(FileSystemError) -> Result
) throws(CommitLogError) -> Result {
    do {
        return try body()
    } catch {
        throw .fileSystem(error)
    }
}
