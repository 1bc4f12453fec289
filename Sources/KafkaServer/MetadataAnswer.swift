import BrokerModel
import CommitLog
import KafkaWire
import Partitions

/// What Metadata says: one broker that leads everything. Topics are not created by asking.
extension BrokerAnswers {
    func metadata(_ request: MetadataRequest, version: Int16) -> MetadataResponse {
        var response = MetadataResponse()
        response.brokers = [
            .init(
                id: identity.nodeID,
                host: identity.advertisedHost,
                port: Int32(identity.advertisedPort)
            )
        ]
        response.clusterID = identity.clusterID.description
        response.controllerID = identity.nodeID
        if request.wantsClusterOperations { response.clusterOperations = Operations.cluster }
        if let wanted = request.topics {
            response.topics = wanted.map { topic($0, version: version) }
        } else {
            response.topics = catalog.topics.map(describe)
        }
        if request.wantsTopicOperations {
            for index in response.topics.indices where response.topics[index].errorCode == .none {
                response.topics[index].operations = Operations.topic
            }
        }
        return response
    }

    private func topic(
        _ wanted: MetadataRequest.Topic,
        version: Int16
    ) -> MetadataResponse.Topic {
        guard let text = wanted.name else {
            // Asking by id alone came with version 12.
            guard version >= 12 else { return missing(.invalidRequest, name: "") }
            guard let topic = catalog.topic(id: wanted.id) else {
                return missing(.unknownTopicID, name: nil, id: wanted.id)
            }
            return describe(topic)
        }
        guard let name = TopicName(text) else { return missing(.invalidTopic, name: text) }
        guard let topic = catalog.topic(named: name) else {
            return missing(.unknownTopicOrPartition, name: text)
        }
        return describe(topic)
    }

    private func missing(
        _ error: KafkaErrorCode,
        name: String?,
        id: UUIDBytes = .zero
    ) -> MetadataResponse.Topic {
        var answer = MetadataResponse.Topic(name: name)
        answer.errorCode = error
        answer.id = id
        return answer
    }

    private func describe(_ topic: TopicEntry) -> MetadataResponse.Topic {
        var answer = MetadataResponse.Topic(name: topic.name.description)
        answer.id = topic.id
        answer.isInternal = topic.isInternal
        answer.partitions = topic.partitions.enumerated().map { index, partition in
            describe(Int32(index), partition?.reader)
        }
        return answer
    }

    private func describe(
        _ index: Int32,
        _ reader: PartitionReader?
    ) -> MetadataResponse.Partition {
        let nodes = [identity.nodeID]
        if let reader {
            return .init(
                index: index,
                leaderID: identity.nodeID,
                leaderEpoch: reader.leaderEpoch,
                replicas: nodes
            )
        }
        var offline = MetadataResponse.Partition(
            index: index,
            leaderID: -1,
            leaderEpoch: .none,
            replicas: nodes
        )
        offline.errorCode = .leaderNotAvailable
        offline.inSyncReplicas = []
        offline.offlineReplicas = nodes
        return offline
    }

    /// What anybody may do here, as bits of Kafka's operation codes (KIP-430).
    private enum Operations {
        private static let read: Int32 = 1 << 3
        private static let describe: Int32 = 1 << 8
        static let topic = read | describe
        static let cluster = describe
    }
}
