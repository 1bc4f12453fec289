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
    public static let topicAuthorizationFailed = KafkaErrorCode(rawValue: 29)
    public static let clusterAuthorizationFailed = KafkaErrorCode(rawValue: 31)
    public static let unsupportedVersion = KafkaErrorCode(rawValue: 35)
    public static let invalidRequest = KafkaErrorCode(rawValue: 42)
    public static let unsupportedForMessageFormat = KafkaErrorCode(rawValue: 43)
    public static let kafkaStorageError = KafkaErrorCode(rawValue: 56)
    public static let fetchSessionIDNotFound = KafkaErrorCode(rawValue: 70)
    public static let invalidFetchSessionEpoch = KafkaErrorCode(rawValue: 71)
    public static let fencedLeaderEpoch = KafkaErrorCode(rawValue: 74)
    public static let unknownLeaderEpoch = KafkaErrorCode(rawValue: 75)
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
        .topicAuthorizationFailed: "TOPIC_AUTHORIZATION_FAILED",
        .clusterAuthorizationFailed: "CLUSTER_AUTHORIZATION_FAILED",
        .unsupportedVersion: "UNSUPPORTED_VERSION",
        .invalidRequest: "INVALID_REQUEST",
        .unsupportedForMessageFormat: "UNSUPPORTED_FOR_MESSAGE_FORMAT",
        .kafkaStorageError: "KAFKA_STORAGE_ERROR",
        .fetchSessionIDNotFound: "FETCH_SESSION_ID_NOT_FOUND",
        .invalidFetchSessionEpoch: "INVALID_FETCH_SESSION_EPOCH",
        .fencedLeaderEpoch: "FENCED_LEADER_EPOCH",
        .unknownLeaderEpoch: "UNKNOWN_LEADER_EPOCH",
        .unknownTopicID: "UNKNOWN_TOPIC_ID",
        .inconsistentTopicID: "INCONSISTENT_TOPIC_ID",
    ]
}
