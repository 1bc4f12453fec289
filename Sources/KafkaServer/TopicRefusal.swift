import BrokerModel
import KafkaWire
import Partitions

/// Why a topic was not made, deleted or described, as Kafka says it.
struct TopicRefusal: Error, Equatable {
    let code: KafkaErrorCode
    let message: String

    /// A message may repeat what the client said, so it is cut to what is worth reading.
    init(_ code: KafkaErrorCode, _ message: String) {
        self.code = code
        self.message = String(message.prefix(KafkaServerLimits.quotedLengthMax))
    }

    init(_ error: TopicError) {
        let message = "\(error)"
        switch error {
        case .exists: self.init(.topicAlreadyExists, message)
        case .unknown: self.init(.unknownTopicOrPartition, message)
        case .badPartitionCount: self.init(.invalidPartitions, message)
        case .badSetting: self.init(.invalidConfig, message)
        case .tooManyPartitions: self.init(.policyViolation, message)
        case .isInternal: self.init(.invalidTopic, message)
        case .storage: self.init(.kafkaStorageError, message)
        }
    }

    static let timedOut = TopicRefusal(
        .requestTimedOut,
        "the disk was not ready within the request's timeout; look again whether it is done"
    )
}
