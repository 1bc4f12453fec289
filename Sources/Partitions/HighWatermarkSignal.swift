import BrokerModel
import CommitLog
import EventLoop
import Synchronization

/// Tells one loop that high watermarks have advanced, and only when that loop waits for it.
///
/// The waiting loop arms the signal, looks at the high watermarks once more, and then waits: what
/// advanced in between is seen either by that look or by the message.
///
/// Which partitions they were is kept in the signal until the loop takes it, each once, so that
/// neither a slow loop nor a busy log makes it longer than the number of partitions.
public final class HighWatermarkSignal: Sendable {
    private struct Advanced {
        var partitions: [PartitionHandle: Offset] = [:]
        var isAnnounced = false
    }

    private let armed = Atomic<Bool>(false)
    private let advanced = Mutex(Advanced())
    private let mailbox: Mailbox<HighWatermarkAdvance>

    public init(mailbox: Mailbox<HighWatermarkAdvance>) {
        self.mailbox = mailbox
    }

    /// Asks to be told of advances, until `disarm`.
    public func arm() {
        armed.store(true, ordering: .sequentiallyConsistent)
    }

    /// Nobody waits any more.
    public func disarm() {
        armed.store(false, ordering: .sequentiallyConsistent)
        _ = take()
    }

    /// What has advanced since the last call, and how far. After it the next advance is announced
    /// again.
    public func take() -> [PartitionHandle: Offset] {
        advanced.withLock { advanced in
            defer { advanced = Advanced() }
            return advanced.partitions
        }
    }

    /// Tells of an advance if somebody armed the signal, with one message until it is taken.
    package func raise(
        _ moved: [(partition: PartitionHandle, highWatermark: Offset)]
    ) {
        guard armed.load(ordering: .sequentiallyConsistent) else { return }
        let mustAnnounce = advanced.withLock { advanced in
            for (partition, highWatermark) in moved {
                advanced.partitions[partition] = highWatermark
            }
            defer { advanced.isAnnounced = true }
            return !advanced.isAnnounced
        }
        if mustAnnounce { mailbox.post(HighWatermarkAdvance()) }
    }
}

/// At least one partition has more to read than before.
public struct HighWatermarkAdvance: Sendable {}
