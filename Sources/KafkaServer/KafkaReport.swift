import BrokerModel
import CommitLog
import KafkaSessions
import KafkaWire
import Posix

/// What operators should know of. Floods are the listener's to hold back: one comes for each event.
public enum KafkaReport: Equatable, Sendable {
    /// A connection was closed because of what its peer sent.
    case disconnected(peer: SocketAddress, client: KafkaClientName, KafkaWireError)
    /// A producer's batch was not stored, for this reason.
    case batchRefused(
        peer: SocketAddress,
        client: KafkaClientName,
        topic: String,
        KafkaErrorCode,
        String
    )
    /// A producer asked for transactions, which are not served.
    case transactionalIDRefused(peer: SocketAddress, client: KafkaClientName, String)
    /// A client made a topic, by asking for it or in so many words; or deleted one.
    case topicCreated(TopicName, partitions: Int, client: KafkaClientName)
    case topicDeleted(TopicName, client: KafkaClientName)
    /// A client changed a topic: in which way.
    case topicChanged(TopicName, String, client: KafkaClientName)
    /// Something happened to a consumer group or to one of its members.
    case group(GroupEvent)
    /// A fetch or a lookup could not read the log; the client got a storage error.
    case readFailed(TopicPartition, CommitLogError)
}

/// What a client says it is, as far as it said so. Bounded, and never trusted.
public struct KafkaClientName: Equatable, Sendable {
    public internal(set) var clientID = ""
    public internal(set) var software = ""
    public internal(set) var softwareVersion = ""
}

/// What the Kafka listener has done so far; readable from any thread.
public final class KafkaServerCounters: Sendable {
    public let requests = Counter()
    public let fetches = Counter()
    /// Record bytes in Fetch responses.
    public let bytesFetched = Counter()
    /// Fetches that waited for records, and those that waited for memory.
    public let longPolls = Counter()
    public let memoryWaits = Counter()
    /// Fetches that a reader thread had to read from the disk.
    public let coldFetches = Counter()
    /// Fetch sessions that clients have, the partitions in them, and what became of those that
    /// were asked for.
    public let fetchSessions = Gauge()
    public let fetchSessionPartitions = Gauge()
    public let fetchSessionsOpened = Counter()
    public let fetchSessionsEvicted = Counter()
    public let fetchSessionsRefused = Counter()
    /// Lookups by time that the disk did not answer in time.
    public let lookupsTimedOut = Counter()
    /// Left to the loop's next iteration in the middle, so that others have their turn.
    public let producesDeferred = Counter()
    /// Produce requests that the log did not answer for in the time they gave.
    public let producesTimedOut = Counter()
    /// Fetches answered with no records because the disk took longer than they wait.
    public let fetchesOverdue = Counter()
    /// Fetches that an iteration of the loop left to the next one.
    public let fetchesDeferred = Counter()
    /// Connections closed for what their peer sent, by kind.
    public let malformed = Counter()
    public let oversized = Counter()
    public let unknownAPIs = Counter()
    public let unsupportedVersions = Counter()
    /// Connections cut because their peer took no answers.
    public let stalled = Counter()
    /// Connections that asked for nothing for too long.
    public let idle = Counter()
    /// Produce requests, the batches in them that were refused or that the log failed, and how
    /// often one had to wait for memory.
    public let produces = Counter()
    public let batchesRefused = Counter()
    public let appendsFailed = Counter()
    public let produceMemoryWaits = Counter()
    public let bytesProduced = Counter()
    public let recordsProduced = Counter()
    public let topicsCreated = Counter()
    public let topicsDeleted = Counter()
    /// Changes to settings, additions of partitions and deletions of records.
    public let topicsChanged = Counter()
    public let readsFailed = Counter()
    /// Committed offsets: kept, refused for want of memory, forgotten for their age or with their
    /// topic; and writes about groups that the log failed.
    public let offsetsCommitted = Counter()
    public let offsetsRefused = Counter()
    public let offsetsExpired = Counter()
    public let offsetsOfDeletedTopics = Counter()
    public let groupWritesFailed = Counter()
    /// How often a request about groups had to wait until the log had taken others.
    public let journalWaits = Counter()

    public init() {}

    func count(_ error: KafkaWireError) {
        switch error {
        case .frameLength: oversized.add()
        case .unknownAPI: unknownAPIs.add()
        case .unsupportedVersion: unsupportedVersions.add()
        case .truncated, .negativeLength, .unexpectedNull, .tooManyElements, .stringTooLong,
            .invalidUTF8, .varintTooLong, .taggedFieldLength:
            malformed.add()
        }
    }
}
