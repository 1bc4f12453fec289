import KafkaWire

/// One member of a classic group.
struct GroupMember: Equatable, Sendable {
    /// What a member takes in memory beside its bytes, about.
    static let overheadBytes = 512

    var memberID: String
    /// Lower than that of whoever came later.
    let number: UInt64
    /// The name that a static member keeps over restarts (KIP-345).
    let instanceID: String?
    let clientID: String
    let clientHost: String
    /// In milliseconds, both.
    var rebalanceTimeout: Int32
    var sessionTimeout: Int32
    var protocols: [GroupProtocol]
    var assignment: [UInt8] = []
    /// Its JoinGroup and its SyncGroup that wait.
    var joining: GroupTicket?
    var syncing: GroupTicket?
    /// It waits for its first JoinGroup's answer, and so cannot send heartbeats.
    var isNew = false

    init(_ call: JoinCall, memberID: String, number: UInt64) {
        self.memberID = memberID
        self.number = number
        instanceID = call.request.groupInstanceID
        clientID = call.clientID
        clientHost = call.clientHost
        rebalanceTimeout = call.request.rebalanceTimeoutMilliseconds
        sessionTimeout = call.request.sessionTimeoutMilliseconds
        protocols = call.request.protocols
        joining = call.ticket
        isNew = true
    }

    init(_ member: GroupSnapshot.Member, protocolName: String?, number: UInt64) {
        memberID = member.memberID
        self.number = number
        instanceID = member.instanceID
        clientID = member.clientID
        clientHost = member.clientHost
        rebalanceTimeout = member.rebalanceTimeout
        sessionTimeout = member.sessionTimeout
        protocols = [GroupProtocol(name: protocolName ?? "", metadata: member.subscription)]
        assignment = member.assignment
    }

    /// What it said of itself for the protocol; nothing when it does not offer that.
    func metadata(for protocolName: String?) -> [UInt8] {
        protocols.first { $0.name == protocolName }?.metadata ?? []
    }

    /// The first of its protocols that all others offer too.
    func vote(among candidates: Set<String>) -> String? {
        protocols.first { candidates.contains($0.name) }?.name
    }

    /// Whoever waits for the group, and will send heartbeats once it is answered, is not missed.
    var isExcused: Bool { !isNew && (joining != nil || syncing != nil) }

    var bytes: Int {
        Self.bytes(protocols, ids: [memberID, clientID, instanceID ?? ""]) + assignment.count
    }

    static func bytes(_ protocols: [GroupProtocol], ids: [String]) -> Int {
        let sizes = protocols.map { $0.name.utf8.count + $0.metadata.count + 64 }
        return overheadBytes + sizes.reduce(0, +) + ids.map(\.utf8.count).reduce(0, +)
    }
}
