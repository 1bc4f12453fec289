import BrokerModel

// KafkaSessions decides what Kafka's clients have going with this broker: who is in a group and what
// it has read, what a fetch session covers. Values in, values out: no socket, no thread, no clock.
//
// Fetch sessions: start at `FetchSessionCache`. `begin` takes a request in and says what its answer
// is about, `finish` remembers what the answer told; however often the log is looked at between
// the two, a session changes only there.
public enum KafkaSessionsLimits {
    /// A fetch session that was used since then keeps its place, unless a larger one wants it.
    public static let fetchSessionEvictionMin = Duration.minutes(2)
    /// How long it is believed that no session has to give way.
    static let fetchSessionRefusal = Duration.seconds(1)
    /// Partitions of all fetch sessions together: about 100 bytes each.
    public static let fetchSessionPartitionsMax = 1 << 17
    static let fetchTopicIDVersionMin: Int16 = 13
}
