import KafkaWire

/// What happened to a group, for the operator's log. Nothing depends on it.
public struct GroupEvent: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        case joined(memberID: String, clientID: String, clientHost: String)
        case left(memberID: String)
        /// Nothing was heard of it in its time.
        case expired(memberID: String)
        /// A newer process has its instance id.
        case replaced(memberID: String, by: String)
        /// Its members join anew; the generation is the one that ends.
        case rebalancing(generation: Int32)
        case assigned(generation: Int32, members: Int)
        /// Its last member is gone.
        case emptied(generation: Int32)
        /// Somebody could not join, or an assignment was not taken: why is in the code.
        case refused(KafkaErrorCode)
    }

    /// What clients have chosen is cut to what is worth reading.
    public let groupID: String
    public let kind: Kind
}
