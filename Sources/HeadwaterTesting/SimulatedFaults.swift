import BrokerModel
import CommitLog

/// What goes wrong in a simulated file system.
public struct SimulatedFaults: Sendable {
    public struct Failure: Sendable {
        let operation: FileSystemError.Operation
        let pathSuffix: String
        let reason: FileSystemError.Reason
        var skipped: Int
        var times: Int
    }

    /// The machine dies during the call of this number.
    public var crashAtCall: Int?
    /// How much the disk holds in all.
    public var capacity: ByteCount?
    /// Planted bug: syncs of paths with one of these endings report success and do nothing.
    public var ignoredSyncSuffixes: [String] = []
    private var failures: [Failure] = []

    public init() {}

    /// The next `times` such calls on paths that end so fail, but for the first `skipped` ones.
    public mutating func fail(
        _ operation: FileSystemError.Operation,
        pathSuffix: String,
        reason: FileSystemError.Reason,
        after skipped: Int = 0,
        times: Int = 1
    ) {
        failures.append(
            Failure(
                operation: operation,
                pathSuffix: pathSuffix,
                reason: reason,
                skipped: skipped,
                times: times
            )
        )
    }

    mutating func failure(
        of operation: FileSystemError.Operation,
        on path: String
    ) -> FileSystemError.Reason? {
        for index in failures.indices
        where failures[index].operation == operation && failures[index].times > 0
            && path.hasSuffix(failures[index].pathSuffix)
        {
            guard failures[index].skipped == 0 else {
                failures[index].skipped -= 1
                continue
            }
            failures[index].times -= 1
            return failures[index].reason
        }
        return nil
    }

    func ignoresSync(of path: String) -> Bool {
        ignoredSyncSuffixes.contains { path.hasSuffix($0) }
    }
}
