import BrokerModel
import KafkaWire
import Partitions

// Which topics may be deleted, and what is answered once they are gone.
extension BrokerAnswers {
    func deletions(
        _ request: DeleteTopicsRequest
    ) -> [Result<TopicEntry, TopicRefusal>] {
        request.topics.map { wanted in
            do throws(TopicRefusal) {
                return .success(try topic(wanted))
            } catch {
                return .failure(error)
            }
        }
    }

    private func topic(
        _ wanted: DeleteTopicsRequest.Topic
    ) throws(TopicRefusal) -> TopicEntry {
        let found: TopicEntry?
        switch wanted.name {
        case nil:
            found = catalog.topic(id: wanted.id)
            if found == nil { throw TopicRefusal(.unknownTopicID, "no topic has this id") }
        case let text?:
            guard wanted.id == .zero else {
                throw TopicRefusal(.invalidRequest, "a topic is named, or given by its id")
            }
            found = TopicName(text).flatMap { catalog.topic(named: $0) }
        }
        guard let found else { throw TopicRefusal(.unknown) }
        guard !found.isInternal else {
            throw TopicRefusal(.topicAuthorizationFailed, "\(TopicError.isInternal)")
        }
        return found
    }

    /// `planned` is what the request meant before anything was deleted.
    static func deleted(
        _ request: DeleteTopicsRequest,
        _ planned: [Result<TopicEntry, TopicRefusal>],
        _ front: FrontTopics
    ) -> DeleteTopicsResponse {
        let topics = zip(request.topics, planned).map { wanted, plan in
            var answer = DeleteTopicsResponse.Topic(name: wanted.name)
            answer.id = wanted.id
            let refusal: TopicRefusal?
            switch plan {
            case .failure(let error): refusal = error
            case .success(let topic):
                answer.name = topic.name.description
                answer.id = topic.id
                switch front.outcomes[topic.name] {
                case .success: refusal = nil
                case .failure(let error): refusal = TopicRefusal(error)
                case nil: refusal = .timedOut
                }
            }
            answer.errorCode = refusal?.code ?? .none
            answer.errorMessage = refusal?.message
            return answer
        }
        return DeleteTopicsResponse(topics: topics)
    }
}
