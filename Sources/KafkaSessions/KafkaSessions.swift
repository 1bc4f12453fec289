// KafkaSessions decides what Kafka's clients have going with this broker: who is in a group and
// what it has read, what a fetch session covers. Values in, values out: no socket, no thread, no
// clock.
//
// Start at `GroupDirectory` for groups: it holds every `ConsumerGroup`, a state machine of Kafka's
// classic protocol. Each request is one call; what follows from it, answers to requests that waited
// among them, is left in `takeEffects`, in the order in which the caller does it. What members may
// see only once it is durable waits for `stored`. Two clients never differ on a generation: a
// member is told an assignment only while the group's generation is the one it was made for.
//
// `CommittedOffsets` is what groups have committed: a change counts once the log has kept its
// record, and `settled` says so. `GroupRecord` is a record of `__consumer_offsets`.
//
// Fetch sessions: start at `FetchSessionCache`. `begin` takes a request in and says what its answer
// is about, `finish` remembers what the answer told; however often the log is looked at between
// the two, a session changes only there.
import BrokerModel

public enum KafkaSessionsLimits {
    /// How long a new member's JoinGroup waits. It has no id to send heartbeats with.
    static let newMemberTimeout = Duration.minutes(5)
    /// What the members of one group take at most, and so its leader's answer. Kafka's own brokers
    /// keep a group in one record, of 1 MiB.
    static let groupBytesMax = 4 << 20
    /// What a member's id repeats of its client's name: an id is a string, and goes into the log.
    static let memberNameBytesMax = 1_024
    /// How soon a join that nobody came to is looked at again, at the least.
    static let emptyJoinRetryMin = Duration.seconds(1)
    /// How much of a client's own text an error message repeats, in characters.
    static let quotedLengthMax = 256
    /// Of what happens at once, the log is told no more: counters tell the rest.
    static let eventsMax = 256
    /// A fetch session that was used since then keeps its place, unless a larger one wants it.
    public static let fetchSessionEvictionMin = Duration.minutes(2)
    /// How long it is believed that no session has to give way.
    static let fetchSessionRefusal = Duration.seconds(1)
    /// Partitions of all fetch sessions together: about 100 bytes each.
    public static let fetchSessionPartitionsMax = 1 << 17
    static let fetchTopicIDVersionMin: Int16 = 13
}
