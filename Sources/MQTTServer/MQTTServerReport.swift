import BrokerModel
import EventLoop
import MQTTSessions
import Posix

/// A client that was refused or cut off, and why, in words for an operator.
package struct MQTTServerReport: Sendable {
    package let peer: SocketAddress
    /// The same for the same mistake, whatever its details.
    package let kind: String
    package let reason: String
}

/// What the MQTT side has done so far; readable from any thread.
public final class MQTTCounters: Sendable {
    public let received = Counter()
    /// Of those, at QoS 2.
    public let receivedOnce = Counter()
    /// Publishes at QoS 2 that were known already, and not stored again.
    public let repeated = Counter()
    /// Releases of QoS 2 publishes that were written down.
    public let releases = Counter()
    /// About once a second: QoS 2 publishes that are not released.
    public let receipts = Gauge()
    /// About once a second: deliveries at QoS 1 that wait for an acknowledgement, and to be sent.
    public let unacknowledged = Gauge()
    public let queued = Gauge()
    /// About once a second: messages whose delivery waits for the sync.
    public let held = Gauge()
    /// Deliveries written, at QoS 0 and 1.
    public let delivered = Counter()
    /// Of those, the ones that a reconnect had sent again, with DUP.
    public let redelivered = Counter()
    /// Deliveries at QoS 0 that a slow or full client did not get.
    public let dropped = Counter()
    /// Deliveries at QoS 1 that found a client's queue, or the memory of all queues, full.
    public let queueDropped = Counter()
    /// Deliveries at QoS 1 for sessions whose client was away.
    public let missed = Counter()
    /// Deliveries at QoS 1 whose message expiry interval ended in the queue.
    public let expired = Counter()
    /// Deliveries at QoS 1 larger than their client takes.
    public let tooLarge = Counter()
    /// Publishes that no route takes.
    public let unrouted = Counter()
    public let wills = Counter()
    /// Connections closed because the log could not store what they published.
    public let storingFailed = Counter()
    /// Connections ended by us for something they did, or did not do in time.
    public let refused = Counter()
}

extension MQTTServer {
    /// Counts and reports a connection that did not end by its client's or our own wish.
    func reportEnd(of connection: MQTTConnection, _ end: SessionEnd, _ reason: CloseReason) {
        let (kind, words): (String, String)
        switch end {
        case .clientDisconnected, .takenOver, .serverShuttingDown: return
        case .malformed(let error): (kind, words) = ("malformed", "\(error)")
        case .refused(let code): (kind, words) = ("refused \(code)", "refused: \(code)")
        case .connectTimeout: (kind, words) = ("connect", "no CONNECT in time")
        case .keepAliveTimeout: (kind, words) = ("keepalive", "silent for 1.5 keep-alive times")
        case .connectionLost:
            guard let loss = Self.loss(reason) else { return }
            (kind, words) = (loss, loss)
        }
        counters.refused.add()
        report(MQTTServerReport(peer: connection.connection.peer, kind: kind, reason: words))
    }

    private static func loss(_ reason: CloseReason) -> String? {
        switch reason {
        case .timedOut(.packet): "a packet began and did not end in time"
        case .timedOut(.handshake): "no CONNECT in time"
        case .timedOut(.keepAlive): "silent for too long"
        case .outputOverflow: "reads too slowly for its answers"
        case .protocolViolation(let why), .refused(let why): why
        case .finished, .peerClosed, .peerReset, .takenOver, .serverStopping: nil
        }
    }
}
