import BrokerModel
import Posix
import Synchronization

/// Takes messages from any thread to one loop, which receives all that came since it last looked.
///
/// A post never waits. After the loop's end messages are dropped.
public final class Mailbox<Message: Sendable>: Sendable {
    private struct Queue {
        var messages: [Message] = []
        var isClosed = false
    }

    private let queue = Mutex(Queue())
    private let waker: LoopWaker

    init(waker: LoopWaker) { self.waker = waker }

    public func post(_ message: Message) {
        let wasEmpty = queue.withLock { queue in
            guard !queue.isClosed else { return false }
            queue.messages.append(message)
            return queue.messages.count == 1
        }
        if wasEmpty { waker.mailArrived() }
    }

    public func post(contentsOf messages: [Message]) {
        let wasEmpty = queue.withLock { queue in
            guard !queue.isClosed, !messages.isEmpty else { return false }
            queue.messages.append(contentsOf: messages)
            return queue.messages.count == messages.count
        }
        if wasEmpty { waker.mailArrived() }
    }

    /// Trades what has come for an empty array, whose memory the next posts then use.
    func exchange(_ spare: inout [Message]) {
        queue.withLock { swap(&$0.messages, &spare) }
    }

    func close() {
        let dropped = queue.withLock { queue in
            queue.isClosed = true
            return exchangeForEmpty(&queue.messages)
        }
        _ = dropped  // Released outside of the lock.
    }

    private func exchangeForEmpty(_ messages: inout [Message]) -> [Message] {
        defer { messages = [] }
        return messages
    }
}

/// What a mailbox knows of its loop: how to wake it, and only when it sleeps.
final class LoopWaker: Sendable {
    let event: WakeEvent
    private let wakeUps: Counter
    private let hasMail = Atomic(false)
    private let isAsleep = Atomic(false)

    init(wakeUps: Counter) throws(PosixError) {
        event = try WakeEvent()
        self.wakeUps = wakeUps
    }

    /// From any thread, after a message went into an empty mailbox.
    func mailArrived() {
        hasMail.store(true, ordering: .sequentiallyConsistent)
        guard isAsleep.exchange(false, ordering: .sequentiallyConsistent) else { return }
        wakeUps.add()
        event.signal()
    }

    /// From the loop: whether it may wait. Either it sees the mail here, or the poster sees it
    /// asleep: both orders are sequentially consistent, so a message cannot slip through between.
    func fallAsleep() -> Bool {
        isAsleep.store(true, ordering: .sequentiallyConsistent)
        guard hasMail.load(ordering: .sequentiallyConsistent) else { return true }
        isAsleep.store(false, ordering: .relaxed)
        return false
    }

    func awake() { isAsleep.store(false, ordering: .relaxed) }

    /// From the loop: whether any mailbox has to be looked into.
    func takeMail() -> Bool {
        guard hasMail.load(ordering: .relaxed) else { return false }
        return hasMail.exchange(false, ordering: .sequentiallyConsistent)
    }
}
