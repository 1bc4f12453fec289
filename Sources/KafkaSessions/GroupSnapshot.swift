import BrokerModel

/// A classic group as its log keeps it: what a coordinator needs to go on after a restart.
public struct GroupSnapshot: Equatable, Sendable {
    public var groupID: String
    /// `consumer` for consumers, what others chose for them; nil for a group that nobody joined.
    public var protocolType: String?
    public var generation: Int32
    /// The assignor, or whatever the members voted for; nil for a group without members.
    public var protocolName: String?
    public var leader: String?
    /// Since when the group has been what it is; the retention of an empty group counts from here.
    public var stateTimestamp: Timestamp
    public var members: [Member]

    public init(
        groupID: String,
        protocolType: String? = nil,
        generation: Int32,
        protocolName: String? = nil,
        leader: String? = nil,
        stateTimestamp: Timestamp = .none,
        members: [Member] = []
    ) {
        self.groupID = groupID
        self.protocolType = protocolType
        self.generation = generation
        self.protocolName = protocolName
        self.leader = leader
        self.stateTimestamp = stateTimestamp
        self.members = members
    }

    public struct Member: Equatable, Sendable {
        public var memberID: String
        /// The name that a static member keeps over restarts (KIP-345).
        public var instanceID: String?
        public var clientID: String
        public var clientHost: String
        /// In milliseconds, both.
        public var rebalanceTimeout: Int32
        public var sessionTimeout: Int32
        /// What the member said of itself for the group's protocol.
        public var subscription: [UInt8]
        /// What the leader gave it.
        public var assignment: [UInt8]

        public init(
            memberID: String,
            instanceID: String? = nil,
            clientID: String,
            clientHost: String,
            rebalanceTimeout: Int32,
            sessionTimeout: Int32,
            subscription: [UInt8] = [],
            assignment: [UInt8] = []
        ) {
            self.memberID = memberID
            self.instanceID = instanceID
            self.clientID = clientID
            self.clientHost = clientHost
            self.rebalanceTimeout = rebalanceTimeout
            self.sessionTimeout = sessionTimeout
            self.subscription = subscription
            self.assignment = assignment
        }
    }
}
