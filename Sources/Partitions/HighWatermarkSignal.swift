import CommitLog
import EventLoop
import Synchronization

/// Tells one loop that high watermarks have advanced, and only when that loop waits for it.
///
/// The waiting loop arms the signal, looks at the high watermarks once more, and then waits: what
/// advanced in between is seen either by that look or by the message.
public final class HighWatermarkSignal: Sendable {
    private let armed = Atomic<Bool>(false)
    private let mailbox: Mailbox<HighWatermarkAdvance>

    public init(mailbox: Mailbox<HighWatermarkAdvance>) {
        self.mailbox = mailbox
    }

    /// Asks for one message at the next advance.
    public func arm() {
        armed.store(true, ordering: .sequentiallyConsistent)
    }

    /// Sends the message if somebody armed the signal.
    func raise() {
        guard armed.exchange(false, ordering: .sequentiallyConsistent) else { return }
        mailbox.post(HighWatermarkAdvance())
    }
}

/// At least one partition has more to read than before.
public struct HighWatermarkAdvance: Sendable {}
