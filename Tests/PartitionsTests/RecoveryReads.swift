import BrokerModel
import HeadwaterTesting

/// P4: after an unclean stop, recovery reads at most the active segment of each partition, and of
/// everything else a few small files.
enum RecoveryReads {
    private static let smallFilesBytesMax = 4096

    /// `bytesRead` is what opening the store has read, by path.
    static func check(
        _ bytesRead: [String: Int],
        folder: String,
        activeSegment: String,
        segmentBytesMax: Int
    ) throws(Violation) {
        var small = 0
        for (path, count) in bytesRead where path.hasPrefix(folder + "/") && count > 0 {
            if path == folder + "/" + activeSegment {
                guard count <= segmentBytesMax else {
                    throw Violation(promise: .p4, what: "read \(count) bytes of \(path)")
                }
            } else if path.hasPrefix(folder + "/" + activeSegment.dropLast(".log".count)) {
                small += count  // Its indexes, after a clean stop.
            } else if path.hasSuffix(".log") || path.hasSuffix("index") {
                throw Violation(
                    promise: .p4,
                    what: "read \(count) bytes of \(path), which is sealed"
                )
            } else {
                small += count
            }
        }
        guard small <= smallFilesBytesMax else {
            throw Violation(promise: .p4, what: "read \(small) bytes of small files in \(folder)")
        }
    }
}
