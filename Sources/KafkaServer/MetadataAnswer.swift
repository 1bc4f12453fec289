import BrokerModel
import CommitLog
import KafkaWire
import Partitions

/// What Metadata says: one broker that leads everything. `front` has what became of the topics that
/// were missing and could be made.
extension BrokerAnswers {
    func metadata(
        _ request: MetadataRequest,
        version: Int16,
        _ front: FrontTopics
    ) -> MetadataResponse {
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
        if request.wantsClusterOperations {
            response.clusterOperations = AuthorizedOperations.cluster
        }
        if let wanted = request.topics {
            response.topics = distinct(wanted).map { topic($0, version: version, front) }
        } else {
            response.topics = catalog.topics.map(describe)
        }
        if request.wantsTopicOperations {
            for index in response.topics.indices where response.topics[index].errorCode == .none {
                response.topics[index].operations =
                    AuthorizedOperations.of(isInternal: response.topics[index].isInternal)
            }
        }
        return response
    }

    /// A topic with many partitions makes a long answer; each is given once, as Kafka does.
    private func distinct(_ wanted: [MetadataRequest.Topic]) -> [MetadataRequest.Topic] {
        var seen: Set<MetadataRequest.Topic> = []
        return wanted.filter { topic in
            let key = topic.name == nil ? topic : MetadataRequest.Topic(name: topic.name)
            return seen.insert(key).inserted
        }
    }

    private func topic(
        _ wanted: MetadataRequest.Topic,
        version: Int16,
        _ front: FrontTopics
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
            return missing(reason(of: name, front), name: text)
        }
        return describe(topic)
    }

    private func reason(of name: TopicName, _ front: FrontTopics) -> KafkaErrorCode {
        // Clients ask again after this one.
        if front.waiting.contains(name) { return .leaderNotAvailable }
        guard case .failure(let error)? = front.outcomes[name] else {
            return .unknownTopicOrPartition
        }
        return TopicRefusal(error).code
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
}
