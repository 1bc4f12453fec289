import BrokerModel
import KafkaWire
import Partitions

// Who leads a partition and where its replicas lie: always here. So there is nothing to elect, and
// nothing moves (KIP-183, KIP-455).
extension BrokerAnswers {
    func electLeaders(_ request: ElectLeadersRequest) -> ElectLeadersResponse {
        var response = ElectLeadersResponse(topics: [])
        guard request.type == .preferred || request.type == .unclean else {
            response.errorCode = .invalidRequest
            return response
        }
        // Who asks for all partitions is told of those only where something was to do.
        response.topics = (request.topics ?? []).map { wanted in
            let topic = TopicName(wanted.name).flatMap { catalog.topic(named: $0) }
            let partitions = wanted.partitions.map { index in
                var answer = ElectLeadersResponse.Partition(index: index)
                answer.errorCode = election(request.type, topic, index)
                return answer
            }
            return .init(name: wanted.name, partitions: partitions)
        }
        return response
    }

    private func election(
        _ type: ElectionType,
        _ topic: TopicEntry?,
        _ index: Int32
    ) -> KafkaErrorCode {
        guard let topic, topic.partitions.indices.contains(Int(index)) else {
            return .unknownTopicOrPartition
        }
        guard topic.reader(index) == nil else { return .electionNotNeeded }
        return type == .preferred ? .preferredLeaderNotAvailable : .eligibleLeadersNotAvailable
    }

    func alterPartitionReassignments(
        _ request: AlterPartitionReassignmentsRequest
    ) -> AlterPartitionReassignmentsResponse {
        let topics = request.topics.map { wanted in
            let topic = TopicName(wanted.name).flatMap { catalog.topic(named: $0) }
            let partitions = wanted.partitions.map { partition in
                var answer = AlterPartitionReassignmentsResponse.Partition(index: partition.index)
                let refusal = refusal(of: partition, in: topic, request)
                answer.errorCode = refusal?.code ?? .none
                answer.errorMessage = refusal?.message
                return answer
            }
            return AlterPartitionReassignmentsResponse.Topic(
                name: wanted.name,
                partitions: partitions
            )
        }
        var response = AlterPartitionReassignmentsResponse(topics: topics)
        response.allowsReplicationFactorChange = request.allowsReplicationFactorChange
        return response
    }

    private func refusal(
        of wanted: AlterPartitionReassignmentsRequest.Partition,
        in topic: TopicEntry?,
        _ request: AlterPartitionReassignmentsRequest
    ) -> TopicRefusal? {
        guard let topic, topic.partitions.indices.contains(Int(wanted.index)) else {
            return TopicRefusal(.unknownTopicOrPartition, "there is no such partition")
        }
        guard let replicas = wanted.replicas else {
            return TopicRefusal(.noReassignmentInProgress, "the partition is not on the move")
        }
        let isPossible = !replicas.isEmpty && replicas.allSatisfy { $0 == identity.nodeID }
        guard isPossible, replicas.count == 1 else {
            let asksForMore = replicas.count > 1 && !request.allowsReplicationFactorChange
            return TopicRefusal(
                asksForMore ? .invalidReplicationFactor : .invalidReplicaAssignment,
                "a partition lies once, on broker \(identity.nodeID)"
            )
        }
        return nil
    }
}
