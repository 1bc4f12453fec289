import BrokerModel
import Posix
import Synchronization

/// Shows other threads whether a loop still turns: a message that the loop answers by reading it.
///
/// One ping is under way at most, so a loop that hangs costs nothing but the knowledge of it.
public final class LoopPulse: Sendable {
    private struct Ping: Sendable {}

    public let name: String
    private let mailbox: Mailbox<Ping>
    private let waitingSince: Waiting

    /// When the ping under way was sent; shared with the loop's half.
    private final class Waiting: Sendable {
        static let nothing = Int64.min
        let since = Atomic<Int64>(Waiting.nothing)
    }

    /// Made before the loop runs, like every mailbox.
    public init(_ name: String, of loop: EventLoop) {
        self.name = name
        let waiting = Waiting()
        waitingSince = waiting
        mailbox = loop.makeMailbox { _ in
            waiting.since.store(Waiting.nothing, ordering: .relaxed)
        }
    }

    /// Sends a ping, unless the last one is still without an answer. Always from one thread.
    public func ping(at now: MonotonicTime) {
        guard waitingSince.since.load(ordering: .relaxed) == Waiting.nothing else { return }
        waitingSince.since.store(now.rawValue, ordering: .relaxed)
        mailbox.post(Ping())
    }

    /// How long the loop has been owing an answer; zero when it owes none.
    public func silence(at now: MonotonicTime) -> Duration {
        let since = waitingSince.since.load(ordering: .relaxed)
        guard since != Waiting.nothing else { return .zero }
        return max(.zero, now - MonotonicTime(nanoseconds: since))
    }
}
