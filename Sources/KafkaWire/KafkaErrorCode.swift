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
    public static let invalidFetchSize = KafkaErrorCode(rawValue: 4)
    public static let leaderNotAvailable = KafkaErrorCode(rawValue: 5)
    public static let notLeaderOrFollower = KafkaErrorCode(rawValue: 6)
    public static let requestTimedOut = KafkaErrorCode(rawValue: 7)
    public static let brokerNotAvailable = KafkaErrorCode(rawValue: 8)
    public static let replicaNotAvailable = KafkaErrorCode(rawValue: 9)
    public static let messageTooLarge = KafkaErrorCode(rawValue: 10)
    public static let staleControllerEpoch = KafkaErrorCode(rawValue: 11)
    public static let offsetMetadataTooLarge = KafkaErrorCode(rawValue: 12)
    public static let networkException = KafkaErrorCode(rawValue: 13)
    public static let coordinatorLoadInProgress = KafkaErrorCode(rawValue: 14)
    public static let coordinatorNotAvailable = KafkaErrorCode(rawValue: 15)
    public static let notCoordinator = KafkaErrorCode(rawValue: 16)
    public static let invalidTopic = KafkaErrorCode(rawValue: 17)
    public static let recordListTooLarge = KafkaErrorCode(rawValue: 18)
    public static let notEnoughReplicas = KafkaErrorCode(rawValue: 19)
    public static let notEnoughReplicasAfterAppend = KafkaErrorCode(rawValue: 20)
    public static let invalidRequiredAcks = KafkaErrorCode(rawValue: 21)
    public static let illegalGeneration = KafkaErrorCode(rawValue: 22)
    public static let inconsistentGroupProtocol = KafkaErrorCode(rawValue: 23)
    public static let invalidGroupID = KafkaErrorCode(rawValue: 24)
    public static let unknownMemberID = KafkaErrorCode(rawValue: 25)
    public static let invalidSessionTimeout = KafkaErrorCode(rawValue: 26)
    public static let rebalanceInProgress = KafkaErrorCode(rawValue: 27)
    public static let invalidCommitOffsetSize = KafkaErrorCode(rawValue: 28)
    public static let topicAuthorizationFailed = KafkaErrorCode(rawValue: 29)
    public static let groupAuthorizationFailed = KafkaErrorCode(rawValue: 30)
    public static let clusterAuthorizationFailed = KafkaErrorCode(rawValue: 31)
    public static let invalidTimestamp = KafkaErrorCode(rawValue: 32)
    public static let unsupportedSASLMechanism = KafkaErrorCode(rawValue: 33)
    public static let illegalSASLState = KafkaErrorCode(rawValue: 34)
    public static let unsupportedVersion = KafkaErrorCode(rawValue: 35)
    public static let topicAlreadyExists = KafkaErrorCode(rawValue: 36)
    public static let invalidPartitions = KafkaErrorCode(rawValue: 37)
    public static let invalidReplicationFactor = KafkaErrorCode(rawValue: 38)
    public static let invalidReplicaAssignment = KafkaErrorCode(rawValue: 39)
    public static let invalidConfig = KafkaErrorCode(rawValue: 40)
    public static let notController = KafkaErrorCode(rawValue: 41)
    public static let invalidRequest = KafkaErrorCode(rawValue: 42)
    public static let unsupportedForMessageFormat = KafkaErrorCode(rawValue: 43)
    public static let policyViolation = KafkaErrorCode(rawValue: 44)
    public static let outOfOrderSequenceNumber = KafkaErrorCode(rawValue: 45)
    public static let duplicateSequenceNumber = KafkaErrorCode(rawValue: 46)
    public static let invalidProducerEpoch = KafkaErrorCode(rawValue: 47)
    public static let invalidTxnState = KafkaErrorCode(rawValue: 48)
    public static let invalidProducerIDMapping = KafkaErrorCode(rawValue: 49)
    public static let invalidTransactionTimeout = KafkaErrorCode(rawValue: 50)
    public static let concurrentTransactions = KafkaErrorCode(rawValue: 51)
    public static let transactionCoordinatorFenced = KafkaErrorCode(rawValue: 52)
    public static let transactionalIDAuthorizationFailed = KafkaErrorCode(rawValue: 53)
    public static let securityDisabled = KafkaErrorCode(rawValue: 54)
    public static let operationNotAttempted = KafkaErrorCode(rawValue: 55)
    public static let kafkaStorageError = KafkaErrorCode(rawValue: 56)
    public static let logDirNotFound = KafkaErrorCode(rawValue: 57)
    public static let saslAuthenticationFailed = KafkaErrorCode(rawValue: 58)
    public static let unknownProducerID = KafkaErrorCode(rawValue: 59)
    public static let reassignmentInProgress = KafkaErrorCode(rawValue: 60)
    public static let nonEmptyGroup = KafkaErrorCode(rawValue: 68)
    public static let groupIDNotFound = KafkaErrorCode(rawValue: 69)
    public static let fetchSessionIDNotFound = KafkaErrorCode(rawValue: 70)
    public static let invalidFetchSessionEpoch = KafkaErrorCode(rawValue: 71)
    public static let listenerNotFound = KafkaErrorCode(rawValue: 72)
    public static let topicDeletionDisabled = KafkaErrorCode(rawValue: 73)
    public static let fencedLeaderEpoch = KafkaErrorCode(rawValue: 74)
    public static let unknownLeaderEpoch = KafkaErrorCode(rawValue: 75)
    public static let unsupportedCompressionType = KafkaErrorCode(rawValue: 76)
    public static let staleBrokerEpoch = KafkaErrorCode(rawValue: 77)
    public static let offsetNotAvailable = KafkaErrorCode(rawValue: 78)
    public static let memberIDRequired = KafkaErrorCode(rawValue: 79)
    public static let preferredLeaderNotAvailable = KafkaErrorCode(rawValue: 80)
    public static let groupMaxSizeReached = KafkaErrorCode(rawValue: 81)
    public static let fencedInstanceID = KafkaErrorCode(rawValue: 82)
    public static let eligibleLeadersNotAvailable = KafkaErrorCode(rawValue: 83)
    public static let electionNotNeeded = KafkaErrorCode(rawValue: 84)
    public static let noReassignmentInProgress = KafkaErrorCode(rawValue: 85)
    public static let groupSubscribedToTopic = KafkaErrorCode(rawValue: 86)
    public static let invalidRecord = KafkaErrorCode(rawValue: 87)
    public static let unstableOffsetCommit = KafkaErrorCode(rawValue: 88)
    public static let throttlingQuotaExceeded = KafkaErrorCode(rawValue: 89)
    public static let producerFenced = KafkaErrorCode(rawValue: 90)
    public static let resourceNotFound = KafkaErrorCode(rawValue: 91)
    public static let duplicateResource = KafkaErrorCode(rawValue: 92)
    public static let unacceptableCredential = KafkaErrorCode(rawValue: 93)
    public static let invalidUpdateVersion = KafkaErrorCode(rawValue: 97)
    public static let featureUpdateFailed = KafkaErrorCode(rawValue: 98)
    public static let unknownTopicID = KafkaErrorCode(rawValue: 100)
    public static let inconsistentTopicID = KafkaErrorCode(rawValue: 103)
    public static let transactionalIDNotFound = KafkaErrorCode(rawValue: 105)
    public static let fetchSessionTopicIDError = KafkaErrorCode(rawValue: 106)
    public static let fencedMemberEpoch = KafkaErrorCode(rawValue: 110)
    public static let unreleasedInstanceID = KafkaErrorCode(rawValue: 111)
    public static let unsupportedAssignor = KafkaErrorCode(rawValue: 112)
    public static let staleMemberEpoch = KafkaErrorCode(rawValue: 113)
    public static let mismatchedEndpointType = KafkaErrorCode(rawValue: 114)
    public static let unsupportedEndpointType = KafkaErrorCode(rawValue: 115)
    public static let transactionAbortable = KafkaErrorCode(rawValue: 120)
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
        .invalidFetchSize: "INVALID_FETCH_SIZE",
        .leaderNotAvailable: "LEADER_NOT_AVAILABLE",
        .notLeaderOrFollower: "NOT_LEADER_OR_FOLLOWER",
        .requestTimedOut: "REQUEST_TIMED_OUT",
        .brokerNotAvailable: "BROKER_NOT_AVAILABLE",
        .replicaNotAvailable: "REPLICA_NOT_AVAILABLE",
        .messageTooLarge: "MESSAGE_TOO_LARGE",
        .staleControllerEpoch: "STALE_CONTROLLER_EPOCH",
        .offsetMetadataTooLarge: "OFFSET_METADATA_TOO_LARGE",
        .networkException: "NETWORK_EXCEPTION",
        .coordinatorLoadInProgress: "COORDINATOR_LOAD_IN_PROGRESS",
        .coordinatorNotAvailable: "COORDINATOR_NOT_AVAILABLE",
        .notCoordinator: "NOT_COORDINATOR",
        .invalidTopic: "INVALID_TOPIC_EXCEPTION",
        .recordListTooLarge: "RECORD_LIST_TOO_LARGE",
        .notEnoughReplicas: "NOT_ENOUGH_REPLICAS",
        .notEnoughReplicasAfterAppend: "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
        .invalidRequiredAcks: "INVALID_REQUIRED_ACKS",
        .illegalGeneration: "ILLEGAL_GENERATION",
        .inconsistentGroupProtocol: "INCONSISTENT_GROUP_PROTOCOL",
        .invalidGroupID: "INVALID_GROUP_ID",
        .unknownMemberID: "UNKNOWN_MEMBER_ID",
        .invalidSessionTimeout: "INVALID_SESSION_TIMEOUT",
        .rebalanceInProgress: "REBALANCE_IN_PROGRESS",
        .invalidCommitOffsetSize: "INVALID_COMMIT_OFFSET_SIZE",
        .topicAuthorizationFailed: "TOPIC_AUTHORIZATION_FAILED",
        .groupAuthorizationFailed: "GROUP_AUTHORIZATION_FAILED",
        .clusterAuthorizationFailed: "CLUSTER_AUTHORIZATION_FAILED",
        .invalidTimestamp: "INVALID_TIMESTAMP",
        .unsupportedSASLMechanism: "UNSUPPORTED_SASL_MECHANISM",
        .illegalSASLState: "ILLEGAL_SASL_STATE",
        .unsupportedVersion: "UNSUPPORTED_VERSION",
        .topicAlreadyExists: "TOPIC_ALREADY_EXISTS",
        .invalidPartitions: "INVALID_PARTITIONS",
        .invalidReplicationFactor: "INVALID_REPLICATION_FACTOR",
        .invalidReplicaAssignment: "INVALID_REPLICA_ASSIGNMENT",
        .invalidConfig: "INVALID_CONFIG",
        .notController: "NOT_CONTROLLER",
        .invalidRequest: "INVALID_REQUEST",
        .unsupportedForMessageFormat: "UNSUPPORTED_FOR_MESSAGE_FORMAT",
        .policyViolation: "POLICY_VIOLATION",
        .outOfOrderSequenceNumber: "OUT_OF_ORDER_SEQUENCE_NUMBER",
        .duplicateSequenceNumber: "DUPLICATE_SEQUENCE_NUMBER",
        .invalidProducerEpoch: "INVALID_PRODUCER_EPOCH",
        .invalidTxnState: "INVALID_TXN_STATE",
        .invalidProducerIDMapping: "INVALID_PRODUCER_ID_MAPPING",
        .invalidTransactionTimeout: "INVALID_TRANSACTION_TIMEOUT",
        .concurrentTransactions: "CONCURRENT_TRANSACTIONS",
        .transactionCoordinatorFenced: "TRANSACTION_COORDINATOR_FENCED",
        .transactionalIDAuthorizationFailed: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
        .securityDisabled: "SECURITY_DISABLED",
        .operationNotAttempted: "OPERATION_NOT_ATTEMPTED",
        .kafkaStorageError: "KAFKA_STORAGE_ERROR",
        .logDirNotFound: "LOG_DIR_NOT_FOUND",
        .saslAuthenticationFailed: "SASL_AUTHENTICATION_FAILED",
        .unknownProducerID: "UNKNOWN_PRODUCER_ID",
        .reassignmentInProgress: "REASSIGNMENT_IN_PROGRESS",
        .nonEmptyGroup: "NON_EMPTY_GROUP",
        .groupIDNotFound: "GROUP_ID_NOT_FOUND",
        .fetchSessionIDNotFound: "FETCH_SESSION_ID_NOT_FOUND",
        .invalidFetchSessionEpoch: "INVALID_FETCH_SESSION_EPOCH",
        .listenerNotFound: "LISTENER_NOT_FOUND",
        .topicDeletionDisabled: "TOPIC_DELETION_DISABLED",
        .fencedLeaderEpoch: "FENCED_LEADER_EPOCH",
        .unknownLeaderEpoch: "UNKNOWN_LEADER_EPOCH",
        .unsupportedCompressionType: "UNSUPPORTED_COMPRESSION_TYPE",
        .staleBrokerEpoch: "STALE_BROKER_EPOCH",
        .offsetNotAvailable: "OFFSET_NOT_AVAILABLE",
        .memberIDRequired: "MEMBER_ID_REQUIRED",
        .preferredLeaderNotAvailable: "PREFERRED_LEADER_NOT_AVAILABLE",
        .groupMaxSizeReached: "GROUP_MAX_SIZE_REACHED",
        .fencedInstanceID: "FENCED_INSTANCE_ID",
        .eligibleLeadersNotAvailable: "ELIGIBLE_LEADERS_NOT_AVAILABLE",
        .electionNotNeeded: "ELECTION_NOT_NEEDED",
        .noReassignmentInProgress: "NO_REASSIGNMENT_IN_PROGRESS",
        .groupSubscribedToTopic: "GROUP_SUBSCRIBED_TO_TOPIC",
        .invalidRecord: "INVALID_RECORD",
        .unstableOffsetCommit: "UNSTABLE_OFFSET_COMMIT",
        .throttlingQuotaExceeded: "THROTTLING_QUOTA_EXCEEDED",
        .producerFenced: "PRODUCER_FENCED",
        .resourceNotFound: "RESOURCE_NOT_FOUND",
        .duplicateResource: "DUPLICATE_RESOURCE",
        .unacceptableCredential: "UNACCEPTABLE_CREDENTIAL",
        .invalidUpdateVersion: "INVALID_UPDATE_VERSION",
        .featureUpdateFailed: "FEATURE_UPDATE_FAILED",
        .unknownTopicID: "UNKNOWN_TOPIC_ID",
        .inconsistentTopicID: "INCONSISTENT_TOPIC_ID",
        .transactionalIDNotFound: "TRANSACTIONAL_ID_NOT_FOUND",
        .fetchSessionTopicIDError: "FETCH_SESSION_TOPIC_ID_ERROR",
        .fencedMemberEpoch: "FENCED_MEMBER_EPOCH",
        .unreleasedInstanceID: "UNRELEASED_INSTANCE_ID",
        .unsupportedAssignor: "UNSUPPORTED_ASSIGNOR",
        .staleMemberEpoch: "STALE_MEMBER_EPOCH",
        .mismatchedEndpointType: "MISMATCHED_ENDPOINT_TYPE",
        .unsupportedEndpointType: "UNSUPPORTED_ENDPOINT_TYPE",
        .transactionAbortable: "TRANSACTION_ABORTABLE",
    ]
}
