import BrokerModel
import CommitLog
import KafkaWire
import Partitions

// Which topics may be made, and what is answered once they are.
extension BrokerAnswers {
    /// What each topic of the request comes to, in order, before anybody asks the storage loop.
    func creations(
        _ request: CreateTopicsRequest
    ) -> [Result<TopicCreationPlan, TopicRefusal>] {
        var counts: [String: Int] = [:]
        for topic in request.topics { counts[topic.name, default: 0] += 1 }
        var room = partitionRoom
        return request.topics.map { topic in
            do throws(TopicRefusal) {
                guard counts[topic.name] == 1 else {
                    throw TopicRefusal(.invalidRequest, "the topic is named more than once")
                }
                return .success(try plan(topic, room: &room))
            } catch {
                return .failure(error)
            }
        }
    }

    private func plan(
        _ wanted: CreateTopicsRequest.Topic,
        room: inout Int
    ) throws(TopicRefusal) -> TopicCreationPlan {
        guard let name = TopicName(wanted.name) else {
            throw TopicRefusal(
                .invalidTopic,
                "a topic's name has 1 to 249 of a-z A-Z 0-9 . _ -, and is neither '.' nor '..'"
            )
        }
        guard !name.isInternal else { throw TopicRefusal(.isInternal) }
        if let topic = catalog.topic(named: name) { throw TopicRefusal(.exists(topic)) }
        let partitions = try partitionCount(wanted)
        let overrides = try overrides(wanted.settings)
        guard Int(partitions) <= room else {
            throw TopicRefusal(.tooManyPartitions(most: configuration.creation.partitionsMax))
        }
        room -= Int(partitions)
        return TopicCreationPlan(name: name, partitions: partitions, overrides: overrides)
    }

    private func partitionCount(
        _ wanted: CreateTopicsRequest.Topic
    ) throws(TopicRefusal) -> Int32 {
        guard wanted.assignments.isEmpty else { return try assignedPartitions(wanted) }
        guard wanted.replicationFactor == -1 || wanted.replicationFactor == 1 else {
            throw TopicRefusal(
                .invalidReplicationFactor,
                wanted.replicationFactor > 1
                    ? "replication factor \(wanted.replicationFactor) is not to be had: there is "
                        + "one broker"
                    : "the replication factor is 1, or -1 for the default"
            )
        }
        guard wanted.partitionCount != -1 else {
            return Int32(clamping: configuration.creation.partitionCount)
        }
        guard wanted.partitionCount > 0 else {
            throw TopicRefusal(
                .invalidPartitions,
                "the number of partitions is above 0, or -1 for the default"
            )
        }
        return wanted.partitionCount
    }

    private func assignedPartitions(
        _ wanted: CreateTopicsRequest.Topic
    ) throws(TopicRefusal) -> Int32 {
        guard wanted.partitionCount == -1, wanted.replicationFactor == -1 else {
            throw TopicRefusal(
                .invalidRequest,
                "with an assignment, the number of partitions and the replication factor are -1"
            )
        }
        let numbers = wanted.assignments.map(\.partition).sorted()
        let isWhole = zip(numbers, Int32(0)...).allSatisfy { $0 == $1 }
        guard isWhole, wanted.assignments.allSatisfy({ $0.brokers == [identity.nodeID] }) else {
            throw TopicRefusal(
                .invalidReplicaAssignment,
                "partitions are numbered from 0 on, and lie on broker \(identity.nodeID)"
            )
        }
        return Int32(clamping: numbers.count)
    }

    private func overrides(
        _ settings: [CreateTopicsRequest.Setting]
    ) throws(TopicRefusal) -> [String: String] {
        var overrides: [String: String] = [:]
        for setting in settings {
            guard let value = setting.value else {
                throw TopicRefusal(.invalidConfig, "\(setting.name) has no value")
            }
            guard overrides.updateValue(value, forKey: setting.name) == nil else {
                throw TopicRefusal(.invalidConfig, "\(setting.name) is set twice")
            }
        }
        do throws(TopicSettingsError) {
            _ = try configuration.topicDefaults.applying(overrides)
        } catch {
            throw TopicRefusal(.badSetting(error))
        }
        return overrides
    }

    /// How many partitions there may be beside those that are.
    var partitionRoom: Int {
        let present = catalog.topics.lazy.filter { !$0.isInternal }
            .reduce(0) { $0 + $1.partitions.count }
        return configuration.creation.partitionsMax - present
    }

    // MARK: Answers

    func created(
        _ request: CreateTopicsRequest,
        _ front: FrontTopics
    ) -> CreateTopicsResponse {
        let plans = creations(request)
        let topics = zip(request.topics, plans).map { wanted, plan in
            var answer = CreateTopicsResponse.Topic(name: wanted.name)
            let name = TopicName(wanted.name)
            switch (name.flatMap { front.outcomes[$0] }, plan) {
            case (.success(let topic), _): describe(topic, in: &answer)
            case (.failure(let error), _): answer.refuse(TopicRefusal(error))
            case (nil, _) where name.map(front.waiting.contains) ?? false: answer.refuse(.timedOut)
            case (nil, .success(let plan)): describe(plan, in: &answer)
            case (nil, .failure(let refusal)): answer.refuse(refusal)
            }
            return answer
        }
        return CreateTopicsResponse(topics: topics)
    }

    private func describe(_ topic: TopicEntry, in answer: inout CreateTopicsResponse.Topic) {
        answer.id = topic.id
        answer.partitionCount = Int32(clamping: topic.partitions.count)
        answer.replicationFactor = 1
        answer.settings = settings(topic.settings, overrides: topic.overrides)
    }

    /// What would have been made.
    private func describe(_ plan: TopicCreationPlan, in answer: inout CreateTopicsResponse.Topic) {
        answer.partitionCount = plan.partitions
        answer.replicationFactor = 1
        let applied = try? configuration.topicDefaults.applying(plan.overrides)
        answer.settings = applied.map { settings($0, overrides: plan.overrides) }
    }

    private func settings(
        _ settings: TopicSettings,
        overrides: [String: String]
    ) -> [CreateTopicsResponse.Setting] {
        TopicSettings.keys.map { key in
            var setting = CreateTopicsResponse.Setting(
                name: key.name,
                value: key.text(in: settings),
                source: source(of: key, overrides: overrides)
            )
            setting.isReadOnly = key.isFixed
            return setting
        }
    }
}

extension CreateTopicsResponse.Topic {
    fileprivate mutating func refuse(_ refusal: TopicRefusal) {
        errorCode = refusal.code
        errorMessage = refusal.message
    }
}
