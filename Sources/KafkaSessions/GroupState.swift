/// What a classic group is doing. The raw values are Kafka's names for it.
public enum GroupState: String, CaseIterable, Sendable {
    /// Nobody is in it; there may be offsets.
    case empty = "Empty"
    /// Members are asked to join anew.
    case preparingRebalance = "PreparingRebalance"
    /// The members are known, and the leader works out who gets what.
    case completingRebalance = "CompletingRebalance"
    case stable = "Stable"
    /// There is no such group.
    case dead = "Dead"
}
