import Posix
import Synchronization

/// The sealed segments whose files are open because somebody reads them, of all partitions that
/// share this. Bounded: an old log has thousands of segments, and the process a limited number of
/// descriptors.
///
/// Files are opened and closed only by threads that may wait for the disk.
public final class OpenSegments: Sendable {
    /// Each has a data file and two indexes.
    public static let filesPerSegment = 3

    /// Readers at so many different places find their files open: a sixteenth of what the process
    /// may open, times three.
    public static func countMax(descriptors: Int) -> Int { min(128, max(4, descriptors / 16)) }

    private struct Uses {
        var last: [ObjectIdentifier: (segment: Segment, time: UInt64)] = [:]
        var time: UInt64 = 0
    }

    private let countMax: Int
    private let uses = Mutex(Uses())

    public init(countMax: Int) { self.countMax = countMax }

    /// As many as fit the limit of this process.
    public convenience init() {
        self.init(countMax: Self.countMax(descriptors: SystemProcess.descriptorLimit))
    }

    public var count: Int { uses.withLock { $0.last.count } }

    /// Notes that a sealed segment is about to be read, and opened for it; the one unused for
    /// longest is closed. Who still reads that one keeps its file until the read ends.
    func use(_ segment: Segment) {
        let unused = uses.withLock { uses -> Segment? in
            guard !segment.isRetired else { return nil }
            uses.time += 1
            uses.last[ObjectIdentifier(segment)] = (segment, uses.time)
            guard uses.last.count > countMax else { return nil }
            let oldest = uses.last.min { $0.value.time < $1.value.time }
            return oldest.flatMap { uses.last.removeValue(forKey: $0.key)?.segment }
        }
        unused?.closeFiles()
    }

    /// Notes a use by a thread that neither opens nor closes files.
    func touch(_ segment: Segment) {
        uses.withLock { uses in
            uses.time += 1
            uses.last[ObjectIdentifier(segment)]?.time = uses.time
        }
    }

    /// Closes the files of a segment that is being deleted, for good, so that its space becomes
    /// free: who still finds it in an older view opens them for that one read.
    func forget(_ segment: Segment) {
        segment.retire()
        uses.withLock { _ = $0.last.removeValue(forKey: ObjectIdentifier(segment)) }
    }
}
