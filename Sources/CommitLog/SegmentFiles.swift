import BrokerModel

/// The names that Kafka gives to the files of a partition's folder.
enum SegmentFiles {
    static let leaderEpochCheckpoint = "leader-epoch-checkpoint"
    static let partitionMetadata = "partition.metadata"
    /// Ours and Kafka's for a file that is not finished: it never outlives a start.
    static let unfinishedSuffix = ".tmp"

    /// Kafka's mark of a file that has left the log and waits for its removal.
    static let deletedSuffix = ".deleted"

    enum Kind: String, CaseIterable {
        case log = ".log"
        case offsetIndex = ".index"
        case timeIndex = ".timeindex"
    }

    /// Twenty digits, so that names sort as offsets do.
    static func name(_ baseOffset: Offset, _ kind: Kind) -> String {
        digits(baseOffset) + kind.rawValue
    }

    static func digits(_ offset: Offset) -> String {
        let digits = String(offset.rawValue)
        return String(repeating: "0", count: 20 - digits.utf8.count) + digits
    }

    /// Nil for a file that is no segment's.
    static func parse(_ name: String) -> (baseOffset: Offset, kind: Kind)? {
        for kind in Kind.allCases where name.hasSuffix(kind.rawValue) {
            let digits = name.dropLast(kind.rawValue.utf8.count)
            guard digits.utf8.count == 20, digits.utf8.allSatisfy(isDigit),
                let base = Int64(digits)
            else { continue }
            return (Offset(base), kind)
        }
        return nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
