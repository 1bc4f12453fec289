import BrokerModel
import Posix

/// What a loop may spend, and whom it tells.
public struct EventLoopSettings {
    /// Pays for input that was received and not consumed. Full: nothing more is received.
    public var input: MemoryPool
    /// Pays for output that was not sent. Full: `Connection.write` refuses.
    public var output: MemoryPool
    /// One buffer for the whole loop; the most that one read takes.
    public var readBufferBytes = ByteCount.kibibytes(256)
    /// Output buffers kept for their next use.
    public var recycledOutputBytes = ByteCount.mebibytes(2)
    public var acceptsPerIterationMax = 64
    /// How often at most each kind of trouble is reported.
    public var reportInterval = Duration.seconds(10)
    public var report: (EventLoopReport) -> Void = { _ in }

    public init(input: MemoryPool, output: MemoryPool) {
        self.input = input
        self.output = output
    }
}

/// Trouble that an operator wants to hear of. `count` says how often since the last report.
public enum EventLoopReport: Equatable, Sendable {
    /// More connections than `connectionsMax`.
    case connectionsRefused(listener: SocketAddress, count: Int)
    /// Nothing can be accepted, mostly for want of descriptors; the listener tries again soon.
    case acceptFailed(listener: SocketAddress, PosixError, count: Int)
    /// Connections that had to wait for input memory.
    case inputPoolFull(count: Int)
    /// Writes refused for want of output memory or because a connection's peer reads too slowly.
    case outputRefused(count: Int)
}

/// Why a loop or a listener could not start.
public enum EventLoopError: Error, Equatable, CustomStringConvertible {
    case addressInUse(SocketAddress)
    case addressNotOurs(SocketAddress)
    case addressForbidden(SocketAddress)
    case system(PosixError)

    init(_ error: PosixError, listeningAt address: SocketAddress) {
        switch error.code {
        case ErrorCode.addressInUse: self = .addressInUse(address)
        case ErrorCode.addressUnavailable: self = .addressNotOurs(address)
        case ErrorCode.accessDenied, ErrorCode.notPermitted: self = .addressForbidden(address)
        default: self = .system(error)
        }
    }

    public var description: String {
        switch self {
        case .addressInUse(let address): "another program listens on \(address)"
        case .addressNotOurs(let address): "no interface of this machine has \(address.host)"
        case .addressForbidden(let address): "this user may not listen on \(address)"
        case .system(let error): error.description
        }
    }
}

/// What a loop has done so far; readable from any thread.
public final class EventLoopCounters: Sendable {
    public let accepted = Counter()
    public let closed = Counter()
    /// Connections past `connectionsMax`.
    public let refused = Counter()
    public let timedOut = Counter()
    /// How often a connection had to wait for input memory.
    public let inputWaits = Counter()
    public let outputRefused = Counter()
    public let bytesReceived = Counter()
    public let bytesSent = Counter()
    /// Wake-ups that other threads asked for.
    public let wakeUps = Counter()
    /// From the return of `epoll_wait` to the end of the iteration.
    public let turns = LatencyHistogram()

    public var open: Int { accepted.count - closed.count }

    public init() {}
}

/// Holds back reports of one kind: the first goes out at once, and those of the interval after it
/// as one, with their count, when it is over.
final class ReportGate {
    var count = 0
    var nextReport = MonotonicTime(nanoseconds: .min)
}
