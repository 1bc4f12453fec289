import BrokerModel
import KafkaWire

/// A way to share out partitions that a member offers, and what it says of itself for that way.
public typealias GroupProtocol = JoinGroupRequest.GroupProtocol

/// Names a request that waits for its answer. Whoever asks makes it, and never twice the same.
public struct GroupTicket: Hashable, Sendable {
    public let rawValue: UInt64

    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// The two times that a decision about groups needs: one for timers, one for the log.
public struct GroupTime: Equatable, Sendable {
    public var monotonic: MonotonicTime
    public var wall: Timestamp

    public init(_ monotonic: MonotonicTime, wall: Timestamp) {
        self.monotonic = monotonic
        self.wall = wall
    }
}

/// A JoinGroup request, and who sent it.
public struct JoinCall: Sendable {
    public var request: JoinGroupRequest
    public var version: Int16
    public var clientID: String
    /// As Kafka shows it: a slash and the address.
    public var clientHost: String
    public var ticket: GroupTicket

    public init(
        _ request: JoinGroupRequest,
        version: Int16,
        clientID: String,
        clientHost: String,
        ticket: GroupTicket
    ) {
        self.request = request
        self.version = version
        self.clientID = clientID
        self.clientHost = clientHost
        self.ticket = ticket
        // Version 0 has one time for both.
        if version == 0 {
            self.request.rebalanceTimeoutMilliseconds = request.sessionTimeoutMilliseconds
        }
    }

    /// A new member is only told its id, and joins with that (KIP-394).
    var requiresMemberID: Bool { version >= 4 }
    /// A leader can be told that nothing is to be shared out anew (KIP-814).
    var maySkipAssignment: Bool { version >= 9 }
}

/// Who commits offsets or sends a heartbeat, and as what.
public struct GroupClaim: Equatable, Sendable {
    public var groupID: String
    /// -1 from those who are in no group, such as an administrator.
    public var generation: Int32
    public var memberID: String
    public var instanceID: String?
    /// Of a TxnOffsetCommit, whose older versions know neither member nor generation.
    public var isTransactional: Bool
    /// An OffsetCommit of version 9 or later is told that its group is not there (KIP-848).
    public var knowsMissingGroups: Bool

    public init(
        groupID: String,
        generation: Int32 = -1,
        memberID: String = "",
        instanceID: String? = nil,
        isTransactional: Bool = false,
        knowsMissingGroups: Bool = false
    ) {
        self.groupID = groupID
        self.generation = generation
        self.memberID = memberID
        self.instanceID = instanceID
        self.isTransactional = isTransactional
        self.knowsMissingGroups = knowsMissingGroups
    }
}
