import KafkaWire

/// What one Fetch request means, decided when it comes and kept until it is answered.
public enum FetchContext {
    /// A full fetch outside of any session.
    case sessionless
    /// A full fetch whose answer may open a session.
    case opening
    /// The session has this epoch once the request was taken in.
    case session(FetchSession, epoch: Int32)
    /// Answered with this error, and nothing else.
    case refused(KafkaErrorCode)

    /// False when another request has taken the session over meanwhile, by another connection.
    public var isCurrent: Bool {
        switch self {
        case .session(let session, let epoch): session.epoch == epoch
        case .sessionless, .opening, .refused: true
        }
    }

    /// What the answer has to say, as far as the request and its session tell.
    public func plan(for request: FetchRequest) -> FetchPlan {
        switch self {
        case .sessionless: .full(request.topics)
        case .opening: .opening(request.topics)
        case .session(let session, _):
            isCurrent ? .news(session.plan) : .refused(.invalidFetchSessionEpoch)
        case .refused(let error): .refused(error)
        }
    }

    /// The record bytes that all partitions may bring together.
    public func bytesMax(of request: FetchRequest) -> Int {
        switch self {
        case .session(let session, _): return session.plan.bytesMax
        case .refused: return 0
        case .sessionless, .opening:
            var sum = 0
            for topic in request.topics {
                for partition in topic.partitions { sum &+= Int(max(0, partition.bytesMax)) }
            }
            return sum
        }
    }
}

/// What a Fetch answer is about.
public enum FetchPlan: Sendable {
    /// All that the request names.
    case full([FetchRequest.Topic])
    /// The same, and what is told is remembered.
    case opening([FetchRequest.Topic])
    /// Those of a session's partitions that have news.
    case news(FetchSessionPlan)
    case refused(KafkaErrorCode)
}
