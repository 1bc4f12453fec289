import BrokerModel
import KafkaWire
import Partitions

/// A topic as the storage loop is asked to enlarge it.
struct PartitionAdditionPlan: Equatable {
    let name: TopicName
    let total: Int32
}

// Which topics may have more partitions, and what is answered once they have.
extension BrokerAnswers {
    func additions(
        _ request: CreatePartitionsRequest
    ) -> [(name: String, plan: Result<PartitionAdditionPlan, TopicRefusal>)] {
        var counts: [String: Int] = [:]
        for topic in request.topics { counts[topic.name, default: 0] += 1 }
        var room = partitionRoom
        // As in Kafka, what is named twice is answered once, and first.
        let repeated = counts.filter { $0.value > 1 }.keys.sorted()
        let refused = repeated.map { name in
            let refusal = TopicRefusal(.invalidRequest, "the topic is named more than once")
            return (name, Result<PartitionAdditionPlan, TopicRefusal>.failure(refusal))
        }
        return refused
            + request.topics.filter { counts[$0.name] == 1 }.map { topic in
                do throws(TopicRefusal) {
                    return (topic.name, .success(try plan(topic, room: &room)))
                } catch {
                    return (topic.name, .failure(error))
                }
            }
    }

    private func plan(
        _ wanted: CreatePartitionsRequest.Topic,
        room: inout Int
    ) throws(TopicRefusal) -> PartitionAdditionPlan {
        let topic = try topic(named: wanted.name)
        // Each has the one partition that the broker writes; and there is no bound for them.
        guard !topic.isInternal else { throw TopicRefusal(.isInternal) }
        let present = topic.partitions.count
        guard Int(wanted.count) > present else {
            throw TopicRefusal(
                .invalidPartitions,
                "the topic has \(present) partition\(present == 1 ? "" : "s"); "
                    + "\(wanted.count) would not be more"
            )
        }
        let added = Int(wanted.count) - present
        if let assignments = wanted.assignments {
            try check(assignments.map(\.brokerIDs), added: added)
        }
        guard added <= room else {
            throw TopicRefusal(.tooManyPartitions(most: configuration.creation.partitionsMax))
        }
        room -= added
        return PartitionAdditionPlan(name: topic.name, total: wanted.count)
    }

    private func check(_ assignments: [[Int32]], added: Int) throws(TopicRefusal) {
        guard assignments.count == added else {
            throw TopicRefusal(
                .invalidReplicaAssignment,
                "\(added) partitions are to be added, and \(assignments.count) are assigned"
            )
        }
        guard assignments.allSatisfy({ $0 == [identity.nodeID] }) else {
            throw TopicRefusal(
                .invalidReplicaAssignment,
                "each partition lies on broker \(identity.nodeID), the only one"
            )
        }
    }

    func added(
        _ request: CreatePartitionsRequest,
        _ front: FrontTopics
    ) -> CreatePartitionsResponse {
        let results = additions(request).map { name, plan in
            var answer = CreatePartitionsResponse.Topic(name: name)
            let refusal: TopicRefusal?
            switch (TopicName(name).flatMap { front.outcomes[$0] }, plan) {
            case (.success, _): refusal = nil
            case (.failure(let error), _): refusal = TopicRefusal(error)
            case (nil, .failure(let error)): refusal = error
            case (nil, .success): refusal = request.validatesOnly ? nil : .timedOut
            }
            answer.errorCode = refusal?.code ?? .none
            answer.errorMessage = refusal?.message
            return answer
        }
        return CreatePartitionsResponse(results: results)
    }
}
