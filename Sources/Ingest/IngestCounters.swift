import BrokerModel

/// What the way in has met; readable from any thread.
public final class IngestCounters: Sendable {
    /// Records that failed without anybody to tell: QoS 0.
    public let dropped = Counter()
    /// Records whose route wanted a key that the publish did not have.
    public let keyless = Counter()
    /// Publishes refused or dropped because their route may create no further topic.
    public let topicsFull = Counter()
    public let topicsCreated = Counter()
    public let creationsFailed = Counter()
    /// Publishes whose MQTT topic was not, or no longer, known with its target.
    public let cacheMisses = Counter()
    public let cacheEvictions = Counter()
}
