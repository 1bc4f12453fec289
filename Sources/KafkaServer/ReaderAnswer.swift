import BrokerModel
import KafkaWire
import Partitions
import Synchronization

/// An answer that a reader thread writes for one connection, because the disk has to be asked.
///
/// Unchecked, because exactly one thread looks into it at any time: the loop hands it to the pool,
/// the thread posts it back. Only `isAbandoned` is shared meanwhile.
final class ReaderAnswer: @unchecked Sendable {
    let connection: UInt64
    /// Of the fetch pool: first for what will be read, then for what was.
    private(set) var held: ByteCount
    /// The whole frame.
    var frame = ByteWriter()
    /// What was read, when this answers a Fetch.
    var pass: FetchPass?
    var failures: [FailedRead] = []
    /// A batch was larger than what was held, and the pool had no room for it.
    private(set) var lacksMemory = false
    private let abandoned = Atomic(false)

    init(connection: UInt64, holding held: ByteCount = .zero) {
        self.connection = connection
        self.held = held
    }

    /// Makes the pool count what was read, no more and no less; drops it where that cannot be.
    func settle(with pool: MemoryPool) {
        let size = ByteCount(pass?.recordBytes ?? 0)
        if size > held, !pool.reserve(size - held) {
            lacksMemory = true
            frame.release()
            return
        }
        if size < held { pool.release(held - size) }
        held = size
    }

    /// Who takes the answer takes what it holds, to give it back.
    func takeHeld() -> ByteCount {
        defer { held = .zero }
        return held
    }

    /// Nobody wants it any more; what is not begun need not be.
    var isAbandoned: Bool { abandoned.load(ordering: .relaxed) }
    func abandon() { abandoned.store(true, ordering: .relaxed) }
}

/// How the request at the front of a connection's input stands with the reader threads.
enum ReaderState {
    case idle
    /// The queue was full: it asks again.
    case refused
    case reading(ReaderAnswer)
    /// The read goes on; the request that it was for has been answered without it.
    case overdue(ReaderAnswer)
    case answered(ReaderAnswer)

    var isIdle: Bool {
        switch self {
        case .idle: true
        case .refused, .reading, .overdue, .answered: false
        }
    }
}

extension KafkaRequestHeader {
    /// Writes a whole response frame.
    func writeResponse(
        _ api: KafkaAPI,
        to output: inout ByteWriter,
        _ body: (inout ByteWriter) -> Void
    ) {
        let start = KafkaFrame.begin(&output)
        KafkaResponseHeader(correlationID: correlationID)
            .write(to: &output, api: api, version: apiVersion)
        body(&output)
        KafkaFrame.end(&output, startedAt: start)
    }
}
