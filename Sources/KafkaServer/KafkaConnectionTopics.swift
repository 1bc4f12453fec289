import BrokerModel
import EventLoop
import KafkaWire
import Partitions

// One connection's requests about topics. What changes them is asked of the storage loop, and the
// request stays at the front of the input until that has answered.
extension KafkaConnectionHandler {
    func metadata(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        let request = try MetadataRequest(reading: &reader, version: version)
        let front = frontTopics ?? create(topicsToCreate(for: request), within: creationWait)
        guard !mustWait(for: front) else { return .waiting }
        let response = answers.metadata(request, version: version, front)
        respond(to: header, .metadata, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    func createTopics(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        let request = try CreateTopicsRequest(reading: &reader, version: version)
        let front = frontTopics ?? create(plans(of: request), within: request.timeoutMilliseconds)
        guard !mustWait(for: front) else { return .waiting }
        let response = answers.created(request, front)
        respond(to: header, .createTopics, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    func deleteTopics(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        let request = try DeleteTopicsRequest(reading: &reader, version: version)
        let front = frontTopics ?? delete(request)
        guard !mustWait(for: front) else { return .waiting }
        let response = BrokerAnswers.deleted(request, plannedDeletions, front)
        plannedDeletions = []
        respond(to: header, .deleteTopics, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    /// The storage loop has answered for one topic.
    func topicChanged(_ change: TopicChanges.Change, _ outcome: TopicChanges.Outcome) {
        guard let front = frontTopics, change.number > front.after,
            frontTopics?.waiting.remove(change.topic) != nil
        else { return }
        frontTopics?.outcomes[change.topic] = outcome
        if frontTopics?.waiting.isEmpty == true { lookAgain() }
    }

    // MARK: Asking

    /// Topics come into being when somebody asks for them who is about to use them.
    private func topicsToCreate(for request: MetadataRequest) -> [TopicCreationPlan] {
        let creation = service.configuration.creation
        guard creation.createsOnFirstUse, request.allowsTopicCreation, let asked = request.topics
        else { return [] }
        let catalog = service.catalog.snapshot
        var plans: [TopicCreationPlan] = []
        for topic in asked where plans.count < KafkaServerLimits.topicsCreatedByAskingMax {
            guard let name = topic.name.flatMap({ TopicName($0) }), !name.isInternal,
                catalog.topic(named: name) == nil
            else { continue }
            let count = Int32(clamping: creation.partitionCount)
            plans.append(TopicCreationPlan(name: name, partitions: count))
        }
        return plans
    }

    private var creationWait: Int32 {
        Int32(clamping: KafkaServerLimits.topicCreationWait.wholeMilliseconds)
    }

    private func plans(of request: CreateTopicsRequest) -> [TopicCreationPlan] {
        guard !request.validatesOnly else { return [] }
        return answers.creations(request).compactMap { try? $0.get() }
    }

    private func create(
        _ plans: [TopicCreationPlan],
        within milliseconds: Int32
    ) -> FrontTopics {
        var front = frontTopics(within: milliseconds)
        for plan in plans where front.waiting.insert(plan.name).inserted {
            service.topicChanges.create(plan, for: connection.id)
        }
        return front
    }

    private func delete(_ request: DeleteTopicsRequest) -> FrontTopics {
        let milliseconds = request.timeoutMilliseconds
        var front = frontTopics(within: milliseconds)
        plannedDeletions = answers.deletions(request)
        for case .success(let topic) in plannedDeletions
        where front.waiting.insert(topic.name).inserted {
            service.topicChanges.delete(topic.name, for: connection.id)
        }
        return front
    }

    func frontTopics(within milliseconds: Int32) -> FrontTopics {
        FrontTopics(
            deadline: deadline(after: milliseconds),
            after: service.topicChanges.lastToken
        )
    }

    func deadline(after milliseconds: Int32) -> MonotonicTime {
        let asked = Duration.milliseconds(Int64(max(0, milliseconds)))
        return service.loop.now + min(asked, KafkaServerLimits.topicChangeWaitMax)
    }

    func mustWait(for front: FrontTopics) -> Bool {
        guard !front.waiting.isEmpty, service.loop.now < front.deadline else {
            frontTopics = nil
            return false
        }
        frontTopics = front
        lookAgain(at: front.deadline)
        return true
    }
}
