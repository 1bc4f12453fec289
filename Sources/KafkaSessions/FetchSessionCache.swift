import BrokerModel
import KafkaWire

/// All fetch sessions of a broker. They belong to no connection: a client that comes back by
/// another one goes on where it was.
///
/// When the cache is full a new session takes the place of one that was not used for two minutes,
/// or of a smaller one that is older than that. Otherwise the client gets none, and its fetches
/// stay full ones. Besides the number of sessions that of their partitions is bounded.
public struct FetchSessionCache {
    public struct Counts: Equatable, Sendable {
        public var opened = 0
        public var evicted = 0
        /// Clients that asked for a session and got none.
        public var refused = 0
    }

    public private(set) var counts = Counts()
    /// Partitions of all sessions together.
    public private(set) var partitionCount = 0
    private var sessions: [Int32: FetchSession] = [:]
    /// Nothing makes room for a session of this size before then: with a full cache each fetch of
    /// those who have none asks again.
    private var refused = (size: 0, until: MonotonicTime(nanoseconds: .min))
    private let slotsMax: Int
    private let partitionsMax: Int

    public init(
        slots: Int,
        partitionsMax: Int = KafkaSessionsLimits.fetchSessionPartitionsMax
    ) {
        slotsMax = slots
        self.partitionsMax = partitionsMax
    }

    public var count: Int { sessions.count }

    // MARK: A request comes

    /// What a request means for its session. Called once for each request: the epoch of a session
    /// moves on with it, and what it wants changes.
    public mutating func begin(
        _ request: FetchRequest,
        version: Int16,
        now: MonotonicTime
    ) -> FetchContext {
        guard request.sessionEpoch != 0, request.sessionEpoch != -1 else {
            // A full fetch ends the session that it names.
            if let old = sessions[request.sessionID] { remove(old) }
            return request.sessionEpoch == 0 ? .opening : .sessionless
        }
        guard let session = sessions[request.sessionID] else {
            return .refused(.fetchSessionIDNotFound)
        }
        guard session.epoch == request.sessionEpoch else {
            return .refused(.invalidFetchSessionEpoch)
        }
        guard session.usesTopicIDs == (version >= KafkaSessionsLimits.fetchTopicIDVersionMin)
        else { return .refused(.fetchSessionTopicIDError) }
        session.want(request.topics)
        session.forget(request.forgottenTopics)
        guard session.count > 0 else {
            remove(session)
            return .sessionless
        }
        session.advance()
        touch(session, now)
        if partitionCount > partitionsMax {
            // This request is answered; with the next one the client begins anew.
            evict(session)
        }
        return .session(session, epoch: session.epoch)
    }

    // MARK: Its answer leaves

    /// Remembers what the answer tells, and opens a session where one was asked for. Returns the
    /// session's number, 0 for none.
    public mutating func finish(
        _ context: FetchContext,
        _ request: FetchRequest,
        version: Int16,
        telling news: [FetchNews],
        now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> Int32 {
        switch context {
        case .sessionless, .refused: return 0
        case .session(let session, _):
            if context.isCurrent { session.told(news) }
            return session.id
        case .opening:
            let session = open(request, version: version, now: now, using: &generator)
            session?.told(news, inOrderOf: request.topics)
            return session?.id ?? 0
        }
    }

    private mutating func open(
        _ request: FetchRequest,
        version: Int16,
        now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> FetchSession? {
        let size = request.topics.reduce(0) { $0 + $1.partitions.count }
        guard makeRoom(for: size, now) else {
            counts.refused += 1
            return nil
        }
        var id: Int32
        repeat { id = .random(in: 1 ... .max, using: &generator) } while sessions[id] != nil
        let session = FetchSession(
            id: id,
            usesTopicIDs: version >= KafkaSessionsLimits.fetchTopicIDVersionMin,
            now: now
        )
        session.want(request.topics)
        sessions[id] = session
        touch(session, now)
        counts.opened += 1
        return session
    }

    // MARK: Room

    private mutating func makeRoom(for size: Int, _ now: MonotonicTime) -> Bool {
        guard slotsMax > 0, size <= partitionsMax else { return false }
        while sessions.count >= slotsMax || partitionCount + size > partitionsMax {
            guard size > refused.size || now >= refused.until else { return false }
            guard let victim = victim(for: size, now) else {
                refused = (size, now + KafkaSessionsLimits.fetchSessionRefusal)
                return false
            }
            evict(victim)
        }
        return true
    }

    /// The one that a session of `size` partitions may take the place of.
    private func victim(for size: Int, _ now: MonotonicTime) -> FetchSession? {
        guard let stalest = sessions.values.min(by: { $0.lastUsed < $1.lastUsed }) else {
            return nil
        }
        if now - stalest.lastUsed > KafkaSessionsLimits.fetchSessionEvictionMin { return stalest }
        let least = sessions.values.lazy.filter(\.isEvictable)
            .min { ($0.countedSize, $0.id) < ($1.countedSize, $1.id) }
        guard let least, least.countedSize < size else { return nil }
        return least
    }

    private mutating func touch(_ session: FetchSession, _ now: MonotonicTime) {
        session.lastUsed = now
        session.isEvictable = now - session.opened > KafkaSessionsLimits.fetchSessionEvictionMin
        partitionCount += session.count - session.countedSize
        session.countedSize = session.count
    }

    private mutating func evict(_ session: FetchSession) {
        counts.evicted += 1
        remove(session)
    }

    private mutating func remove(_ session: FetchSession) {
        sessions[session.id] = nil
        partitionCount -= session.countedSize
        session.countedSize = 0
    }
}
