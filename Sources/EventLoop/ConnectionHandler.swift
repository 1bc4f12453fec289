import BrokerModel

/// What a protocol does with one connection. All calls come on the loop's thread, one at a time.
public protocol ConnectionHandler: AnyObject {
    /// Sees all bytes that are not yet consumed; says how many it consumed and what comes next.
    /// Replies go to `output`: they are never refused, and leave with the end of this iteration.
    func received(
        _ input: UnsafeRawBufferPointer,
        output: inout ByteWriter
    ) -> ConnectionAction

    /// All output was sent, after the peer had let it pile up: a `write` has room again.
    func outputDrained()

    /// The last call, made exactly once for each accepted connection.
    func closed(_ reason: CloseReason)
}

extension ConnectionHandler {
    public func outputDrained() {}
}

/// What a handler made of its input. `consumed` bytes are done with, the rest is shown again.
public enum ConnectionAction {
    /// Calls again when more has come.
    case read(consumed: Int)
    /// Calls again when at least `frameBytes` are there, counted from what was not consumed. Their
    /// memory is set aside first, so that a large frame costs one copy however slowly it comes.
    case readFrame(consumed: Int, frameBytes: Int)
    /// Calls again after `resumeReading`, with what was not consumed.
    case pause(consumed: Int)
    /// Sends what was written and closes.
    case close(consumed: Int, CloseReason)
}

/// Why a connection ended.
public enum CloseReason: Equatable, Sendable {
    public enum Timeout: Equatable, Sendable {
        /// The protocol's first exchange took too long.
        case handshake
        /// A frame began and did not end.
        case packet
        /// The protocol's own: keep-alive, idle time.
        case keepAlive
    }

    /// The protocol's orderly end.
    case finished
    case peerClosed
    case peerReset
    case timedOut(Timeout)
    case protocolViolation(String)
    case refused(String)
    /// Another connection speaks for the same client now.
    case takenOver
    /// The peer read too slowly for what it had to be sent.
    case outputOverflow
    case serverStopping
}

/// What one listener grants each of its connections.
public struct ConnectionLimits: Sendable {
    public var connectionsMax = 1_024
    /// Unsent output past which `write` refuses. A single message may exceed it when it is alone.
    public var outputBytesMax = ByteCount.mebibytes(4)
    /// How long a frame may take from its first byte to its last.
    public var packetTimeout = Duration.seconds(30)
    /// How long a connection may take up to its `handshakeCompleted`; nil when nobody calls that.
    public var handshakeTimeout: Duration?
    /// How long a peer may leave output waiting without taking a byte of it. Then it is cut: it
    /// holds memory that others need.
    public var stallTimeout = Duration.seconds(30)
    /// How long an orderly close waits for the peer to take the last bytes.
    public var closeTimeout = Duration.seconds(2)
    /// The kernel's buffers for each connection; zero leaves its own choice.
    public var receiveBufferBytes = ByteCount.zero
    public var sendBufferBytes = ByteCount.zero
    /// What a connection past `connectionsMax` is told before it is closed.
    public var refusal: @Sendable () -> [UInt8] = { [] }

    public init() {}
}
