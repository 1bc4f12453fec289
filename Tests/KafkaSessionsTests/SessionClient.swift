import BrokerModel
import HeadwaterTesting
import KafkaSessions
import KafkaWire
import Testing

/// Asks a cache as a client with topic names does, and reads what its answers would be about.
struct SessionClient {
    var cache: FetchSessionCache
    var now = MonotonicTime(nanoseconds: 1)
    var random = SeededGenerator(seed: 1)
    private var last = FetchRequest.session(0, 0, [])

    init(slots: Int = 1_000, partitionsMax: Int = 100_000) {
        cache = FetchSessionCache(slots: slots, partitionsMax: partitionsMax)
    }

    /// Opened, evicted, refused.
    var counts: [Int] {
        [cache.counts.opened, cache.counts.evicted, cache.counts.refused]
    }

    mutating func open(
        _ wanted: [String: [Int32]],
        highWatermark: Int64 = 0,
        closing id: Int32 = 0
    ) -> Int32 {
        let context = ask(id, epoch: 0, wanted)
        let count = wanted.values.reduce(0) { $0 + $1.count }
        let news = (0..<count).map {
            FetchNews(slot: Int32($0), .marks(highWatermark), hasRecords: false)
        }
        return finish(context, news)
    }

    mutating func ask(
        _ id: Int32,
        epoch: Int32,
        _ wanted: [String: [Int32]] = [:],
        offset: Int64 = 0,
        forget: [String: [Int32]] = [:],
        version: Int16 = 11
    ) -> FetchContext {
        last = .session(
            id,
            epoch,
            wanted.sorted { $0.key < $1.key }.map { name, partitions in
                .init(name: name, partitions: partitions.map { .at($0, offset) })
            }
        )
        last.forgottenTopics = forget.map { .init(name: $0, partitions: $1) }
        return cache.begin(last, version: version, now: now)
    }

    mutating func finish(
        _ context: FetchContext,
        telling told: [(String, FetchResponse.PartitionHead, Bool)] = []
    ) -> Int32 {
        var slots: [String: Int32] = [:]
        if case .session(let session, _) = context { slots = session.plan.slots }
        return finish(
            context,
            told.compactMap { name, head, hasRecords in
                slots[name].map { FetchNews(slot: $0, head, hasRecords: hasRecords) }
            }
        )
    }

    private mutating func finish(_ context: FetchContext, _ news: [FetchNews]) -> Int32 {
        cache.finish(context, last, version: 11, telling: news, now: now, using: &random)
    }

    func error(_ context: FetchContext) -> KafkaErrorCode? {
        guard case .refused(let error) = context.plan(for: last) else { return nil }
        return error
    }

    func plan(_ context: FetchContext) throws -> FetchSessionPlan {
        guard case .news(let plan) = context.plan(for: last) else {
            throw Refused(context: "\(context)")
        }
        return plan
    }

    /// The partitions in the order of their turns.
    func order(_ context: FetchContext) throws -> [String] { try plan(context).order.map(\.name) }

    struct Refused: Error { let context: String }
}

extension FetchSessionPlan {
    var order: [(name: String, slot: Int32)] {
        var order: [(String, Int32)] = []
        var slot = first
        while slot >= 0 {
            let partition = partitions[Int(slot)]
            order.append(("\(topics[Int(partition.topic)].name)-\(partition.index)", slot))
            slot = partition.next
        }
        return order
    }

    var slots: [String: Int32] {
        Dictionary(uniqueKeysWithValues: order.map { ($0.name, $0.slot) })
    }

    func partitions(in topic: String) -> [FetchSessionPartition] {
        order.map { partitions[Int($0.slot)] }.filter { topics[Int($0.topic)].name == topic }
    }
}

extension FetchRequest {
    static func session(_ id: Int32, _ epoch: Int32, _ topics: [Topic]) -> FetchRequest {
        var request = FetchRequest(topics: topics, waitMillisecondsMax: 0, bytesMin: 1)
        request.sessionID = id
        request.sessionEpoch = epoch
        return request
    }
}

extension FetchRequest.Partition {
    static func at(_ index: Int32, _ offset: Int64 = 0) -> Self {
        .init(index: index, fetchOffset: Offset(offset), bytesMax: 1_000)
    }
}

extension FetchResponse.PartitionHead {
    static func marks(_ highWatermark: Int64, start: Int64 = 0) -> Self {
        var head = Self(index: 0)
        head.highWatermark = Offset(highWatermark)
        head.logStartOffset = Offset(start)
        return head
    }
}
