/// An error code inside a response. A struct and not an enum: a newer broker may send codes that
/// we have no name for, and our clients carry them through.
@frozen public struct KafkaErrorCode: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int16

    @inlinable public init(rawValue: Int16) { self.rawValue = rawValue }

    public static let unknownServerError = KafkaErrorCode(rawValue: -1)
    public static let none = KafkaErrorCode(rawValue: 0)
    public static let offsetOutOfRange = KafkaErrorCode(rawValue: 1)
    public static let corruptMessage = KafkaErrorCode(rawValue: 2)
    public static let unknownTopicOrPartition = KafkaErrorCode(rawValue: 3)
    public static let leaderNotAvailable = KafkaErrorCode(rawValue: 5)
    public static let notLeaderOrFollower = KafkaErrorCode(rawValue: 6)
    public static let requestTimedOut = KafkaErrorCode(rawValue: 7)
    public static let messageTooLarge = KafkaErrorCode(rawValue: 10)
    public static let invalidTopic = KafkaErrorCode(rawValue: 17)
    public static let recordListTooLarge = KafkaErrorCode(rawValue: 18)
    public static let invalidRequiredAcks = KafkaErrorCode(rawValue: 21)
    public static let topicAuthorizationFailed = KafkaErrorCode(rawValue: 29)
    public static let clusterAuthorizationFailed = KafkaErrorCode(rawValue: 31)
    public static let invalidTimestamp = KafkaErrorCode(rawValue: 32)
    public static let unsupportedVersion = KafkaErrorCode(rawValue: 35)
    public static let topicAlreadyExists = KafkaErrorCode(rawValue: 36)
    public static let invalidPartitions = KafkaErrorCode(rawValue: 37)
    public static let invalidReplicationFactor = KafkaErrorCode(rawValue: 38)
    public static let invalidReplicaAssignment = KafkaErrorCode(rawValue: 39)
    public static let invalidConfig = KafkaErrorCode(rawValue: 40)
    public static let invalidRequest = KafkaErrorCode(rawValue: 42)
    public static let unsupportedForMessageFormat = KafkaErrorCode(rawValue: 43)
    public static let policyViolation = KafkaErrorCode(rawValue: 44)
    public static let kafkaStorageError = KafkaErrorCode(rawValue: 56)
    public static let fetchSessionIDNotFound = KafkaErrorCode(rawValue: 70)
    public static let invalidFetchSessionEpoch = KafkaErrorCode(rawValue: 71)
    public static let fencedLeaderEpoch = KafkaErrorCode(rawValue: 74)
    public static let unknownLeaderEpoch = KafkaErrorCode(rawValue: 75)
    public static let unsupportedCompressionType = KafkaErrorCode(rawValue: 76)
    public static let invalidRecord = KafkaErrorCode(rawValue: 87)
    public static let unknownTopicID = KafkaErrorCode(rawValue: 100)
    public static let inconsistentTopicID = KafkaErrorCode(rawValue: 103)
}

extension KafkaErrorCode: CustomStringConvertible {
    /// Kafka's own name, or the number of a code that we have no name for.
    public var description: String { Self.names[self] ?? "error code \(rawValue)" }

    private static let names: [KafkaErrorCode: String] = [
        .unknownServerError: "UNKNOWN_SERVER_ERROR",
        .none: "NONE",
        .offsetOutOfRange: "OFFSET_OUT_OF_RANGE",
        .corruptMessage: "CORRUPT_MESSAGE",
        .unknownTopicOrPartition: "UNKNOWN_TOPIC_OR_PARTITION",
        .leaderNotAvailable: "LEADER_NOT_AVAILABLE",
        .notLeaderOrFollower: "NOT_LEADER_OR_FOLLOWER",
        .requestTimedOut: "REQUEST_TIMED_OUT",
        .messageTooLarge: "MESSAGE_TOO_LARGE",
        .invalidTopic: "INVALID_TOPIC_EXCEPTION",
        .recordListTooLarge: "RECORD_LIST_TOO_LARGE",
        .invalidRequiredAcks: "INVALID_REQUIRED_ACKS",
        .topicAuthorizationFailed: "TOPIC_AUTHORIZATION_FAILED",
        .clusterAuthorizationFailed: "CLUSTER_AUTHORIZATION_FAILED",
        .invalidTimestamp: "INVALID_TIMESTAMP",
        .unsupportedVersion: "UNSUPPORTED_VERSION",
        .topicAlreadyExists: "TOPIC_ALREADY_EXISTS",
        .invalidPartitions: "INVALID_PARTITIONS",
        .invalidReplicationFactor: "INVALID_REPLICATION_FACTOR",
        .invalidReplicaAssignment: "INVALID_REPLICA_ASSIGNMENT",
        .invalidConfig: "INVALID_CONFIG",
        .invalidRequest: "INVALID_REQUEST",
        .unsupportedForMessageFormat: "UNSUPPORTED_FOR_MESSAGE_FORMAT",
        .policyViolation: "POLICY_VIOLATION",
        .kafkaStorageError: "KAFKA_STORAGE_ERROR",
        .fetchSessionIDNotFound: "FETCH_SESSION_ID_NOT_FOUND",
        .invalidFetchSessionEpoch: "INVALID_FETCH_SESSION_EPOCH",
        .fencedLeaderEpoch: "FENCED_LEADER_EPOCH",
        .unknownLeaderEpoch: "UNKNOWN_LEADER_EPOCH",
        .unsupportedCompressionType: "UNSUPPORTED_COMPRESSION_TYPE",
        .invalidRecord: "INVALID_RECORD",
        .unknownTopicID: "UNKNOWN_TOPIC_ID",
        .inconsistentTopicID: "INCONSISTENT_TOPIC_ID",
    ]
}
