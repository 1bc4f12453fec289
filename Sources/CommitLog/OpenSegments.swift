import Synchronization

/// The sealed segments of one partition whose files are open because somebody reads them. Bounded:
/// an old log has thousands of segments, and the process a limited number of descriptors.
final class OpenSegments: Sendable {
    /// A reader that catches up uses one; a few readers in different places share the rest.
    static let countMax = 4

    /// The one used last stands last.
    private let segments = Mutex<[Segment]>([])

    /// Notes that a sealed segment is about to be read; the one unused for longest is closed. Who
    /// still reads that one keeps its file until the read ends.
    func use(_ segment: Segment) {
        let unused = segments.withLock { segments -> Segment? in
            if let known = segments.firstIndex(where: { $0 === segment }) {
                segments.remove(at: known)
            }
            segments.append(segment)
            return segments.count > Self.countMax ? segments.removeFirst() : nil
        }
        unused?.closeFiles()
    }
}
