import BrokerModel
import CommitLog

/// Why the data directory cannot be used, or a partition in it. The text names the remedy.
public enum PartitionStoreError: Error, Equatable, Sendable {
    case locked(path: String)
    case dataDirectory(FileSystemError)
    case damagedProperties(path: String, why: String)
    case partition(TopicPartition, CommitLogError)
    case closed
}

extension PartitionStoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .locked(let path):
            "another instance uses the data directory (it holds \(path)); stop it, or give this "
                + "one another directory with --data"
        case .dataDirectory(let error): error.description
        case .damagedProperties(let path, let why):
            "\(path) cannot be read: \(why); restore it from a backup, or write it anew with the "
                + "cluster's id"
        case .partition(let partition, let error): "partition \(partition): \(error)"
        case .closed: "the data directory has been closed"
        }
    }
}

func inDataDirectory<Result>(
    _ body: () throws(FileSystemError) -> Result
) throws(PartitionStoreError) -> Result {
    do {
        return try body()
    } catch {
        throw .dataDirectory(error)
    }
}
