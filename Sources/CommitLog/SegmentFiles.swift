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
        digits(of: baseOffset) + kind.rawValue
    }

    static func digits(of offset: Offset) -> String {
        let digits = String(offset.rawValue)
        return String(repeating: "0", count: 20 - digits.utf8.count) + digits
    }

    /// Nil for a file that is no segment's.
    static func parse(_ name: String) -> (baseOffset: Offset, kind: Kind)? {
        for kind in Kind.allCases {
            if let base = offset(in: name, before: kind.rawValue) { return (base, kind) }
        }
        return nil
    }

    /// Nil for a name that is not an offset with this suffix.
    static func offset(in name: String, before suffix: String) -> Offset? {
        guard name.hasSuffix(suffix) else { return nil }
        let digits = name.dropLast(suffix.utf8.count)
        guard digits.utf8.count == 20, digits.utf8.allSatisfy(isDigit), let base = Int64(digits)
        else { return nil }
        return Offset(base)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
