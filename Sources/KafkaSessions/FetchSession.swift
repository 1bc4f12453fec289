import BrokerModel
import KafkaWire

/// What one client reads, kept between its fetches so that each of them names only what is new to
/// it (KIP-227). Confined to whoever owns the cache; what another thread reads by is its `plan`.
public final class FetchSession {
    public let id: Int32
    /// Whether it names topics by their ids; a session never changes from the one to the other.
    let usesTopicIDs: Bool
    let opened: MonotonicTime
    /// The epoch that the next request must have. A session's first answer had epoch 0.
    public private(set) var epoch: Int32 = 1
    public private(set) var plan: FetchSessionPlan

    // The cache's own.
    var lastUsed: MonotonicTime
    /// It has been of use for long enough that a larger session may take its place.
    var isEvictable = false
    /// How many partitions the cache counts for it.
    var countedSize = 0

    private struct Key: Hashable {
        let topic: Int32
        let partition: Int32
    }

    private var slots: [Key: Int32] = [:]
    private var freeSlots: [Int32] = []
    private var topicNumbers: [FetchTopic: Int32] = [:]
    private var topicUses: [Int32] = []
    private var freeTopics: [Int32] = []

    init(id: Int32, usesTopicIDs: Bool, now: MonotonicTime) {
        self.id = id
        self.usesTopicIDs = usesTopicIDs
        opened = now
        lastUsed = now
        plan = FetchSessionPlan(sessionID: id)
    }

    var count: Int { slots.count }

    /// The epoch that follows `epoch`; it goes round past the largest and leaves out 0 and -1,
    /// which mean a full fetch.
    public static func next(_ epoch: Int32) -> Int32 {
        guard epoch >= 0 else { return -1 }
        return epoch == .max ? 1 : epoch + 1
    }

    func advance() { epoch = Self.next(epoch) }

    // MARK: What the client wants

    /// Adds what a request names, or sets it anew; partitions that are there keep their turn.
    func want(_ topics: [FetchRequest.Topic]) {
        for topic in topics {
            let name = FetchTopic(name: topic.name, id: topic.id)
            for partition in topic.partitions { want(partition, of: name) }
        }
    }

    private func want(_ wanted: FetchRequest.Partition, of topic: FetchTopic) {
        let number = number(of: topic)
        let key = Key(topic: number, partition: wanted.index)
        let slot: Int32
        if let known = slots[key] {
            slot = known
        } else {
            slot = freeSlots.popLast() ?? plan.makeSlot()
            slots[key] = slot
            topicUses[Int(number)] += 1
            plan.partitions[Int(slot)] = FetchSessionPartition(topic: number, index: wanted.index)
            plan.append(slot)
        }
        plan.bytesMax -= Int(max(0, plan.partitions[Int(slot)].bytesMax))
        plan.partitions[Int(slot)].take(wanted)
        plan.bytesMax += Int(max(0, wanted.bytesMax))
    }

    func forget(_ topics: [FetchRequest.ForgottenTopic]) {
        for topic in topics {
            let name = FetchTopic(name: topic.name, id: topic.id)
            guard let number = topicNumbers[name] else { continue }
            for partition in topic.partitions {
                remove(Key(topic: number, partition: partition))
            }
            guard topicUses[Int(number)] == 0 else { continue }
            topicNumbers[name] = nil
            plan.topics[Int(number)] = FetchTopic()
            freeTopics.append(number)
        }
    }

    private func remove(_ key: Key) {
        guard let slot = slots.removeValue(forKey: key) else { return }
        plan.bytesMax -= Int(max(0, plan.partitions[Int(slot)].bytesMax))
        plan.unlink(slot)
        freeSlots.append(slot)
        topicUses[Int(key.topic)] -= 1
    }

    private func number(of topic: FetchTopic) -> Int32 {
        if let number = topicNumbers[topic] { return number }
        let number: Int32
        if let free = freeTopics.popLast() {
            number = free
            plan.topics[Int(free)] = topic
        } else {
            number = Int32(plan.topics.count)
            plan.topics.append(topic)
            topicUses.append(0)
        }
        topicNumbers[topic] = number
        return number
    }

    // MARK: What it was told

    /// Remembers what an answer that has left told of each partition in it. Those that brought
    /// records go to the end, so that the next answer's room is first for the others.
    func told(_ news: [FetchNews]) {
        for one in news {
            plan.partitions[Int(one.slot)].highWatermark = one.highWatermark
            plan.partitions[Int(one.slot)].logStartOffset = one.logStartOffset
            guard one.hasRecords else { continue }
            plan.unlink(one.slot)
            plan.append(one.slot)
        }
    }

    /// The same of its first answer, where the places of `marks` are those of the request.
    func told(_ marks: [FetchNews], inOrderOf topics: [FetchRequest.Topic]) {
        var next = 0
        for topic in topics {
            let number = topicNumbers[FetchTopic(name: topic.name, id: topic.id)]
            for partition in topic.partitions where next < marks.count {
                defer { next += 1 }
                guard let number, let slot = slots[Key(topic: number, partition: partition.index)]
                else { continue }
                plan.partitions[Int(slot)].highWatermark = marks[next].highWatermark
                plan.partitions[Int(slot)].logStartOffset = marks[next].logStartOffset
            }
        }
    }
}
