import BrokerModel

/// What all groups have committed. Confined to the loop of its coordinator.
///
/// A change takes two steps, since it counts only once it is durable. The method that decides it
/// returns records, which must be written in the order of the calls; when the log has answered,
/// `settled` makes them what readers see, or forgets them. In between readers see what was there
/// before, and further changes build on what is on its way.
public struct CommittedOffsets {
    /// About what one offset takes beside its names and its metadata, with the room that tables
    /// keep free.
    private static let overhead = 256

    public typealias Partitions = [Int32: CommittedOffset]

    private var groups: [String: [String: Partitions]] = [:]
    /// By group, so that what is asked of one group costs nothing for the others.
    private var pending: [String: [Place: Pending]] = [:]
    private var bytesKept = 0
    private var bytesPending = 0
    /// Pays for both. A commit that it has no room for is refused.
    private let memory: MemoryPool

    /// How many offsets are kept.
    public private(set) var count = 0
    /// How many commits found no room.
    public private(set) var refusedCount = 0

    private struct Place: Hashable {
        let group: String
        let topic: String
        let partition: Int32
    }

    /// Changes of one place that the log has not answered for.
    private struct Pending {
        /// What the last of them leaves there; nil where it removes the offset.
        var latest: CommittedOffset?
        var writes: Int
    }

    public init(memory: MemoryPool) { self.memory = memory }

    /// What all offsets take, about, with those on their way.
    public var bytes: ByteCount { ByteCount(bytesKept + bytesPending) }

    // MARK: Reading

    /// What the group has committed of a partition. `topicID` is the id of the topic that has the
    /// name now: what was committed of an earlier one of that name is not there.
    public func committed(
        group: String,
        topic: String,
        partition: Int32,
        topicID: UUIDBytes? = nil
    ) -> CommittedOffset? {
        guard let found = groups[group]?[topic]?[partition], found.belongs(to: topicID) else {
            return nil
        }
        return found
    }

    /// All that a group has committed, by topic.
    public func topics(of group: String) -> [String: Partitions] { groups[group] ?? [:] }

    /// Those that have committed something, in no order.
    public var groupIDs: some Collection<String> { groups.keys }

    // MARK: Changing

    /// Nil, and nothing changed, when there is no room.
    public mutating func commit(
        _ offset: CommittedOffset,
        group: String,
        topic: String,
        partition: Int32
    ) -> GroupRecord? {
        let place = Place(group: group, topic: topic, partition: partition)
        let cost = Self.cost(of: offset, at: place)
        // Who replaces what is there, and does not grow, is never refused.
        if kept(at: place).map({ cost > Self.cost(of: $0, at: place) }) ?? true {
            guard memory.reserve(ByteCount(cost)) else {
                refusedCount += 1
                return nil
            }
            memory.release(ByteCount(cost))
        }
        begin(offset, at: place)
        return .offset(group: group, topic: topic, partition: partition, offset)
    }

    /// Nil when nothing is there to delete.
    public mutating func delete(group: String, topic: String, partition: Int32) -> GroupRecord? {
        let place = Place(group: group, topic: topic, partition: partition)
        guard latest(at: place) != nil else { return nil }
        begin(nil, at: place)
        return .offsetGone(group: group, topic: topic, partition: partition)
    }

    /// Deletes all that a group has committed.
    public mutating func removeGroup(_ group: String) -> [GroupRecord] {
        var places = (pending[group] ?? [:]).filter { $0.value.latest != nil }.map(\.key)
        forAll(of: group) { topic, partition, _ in
            let place = Place(group: group, topic: topic, partition: partition)
            if change(at: place) == nil { places.append(place) }
        }
        return remove(places)
    }

    /// Deletes what was committed of topics that are gone. `isGone` gets the name, and the id of
    /// the topic that was read where it is known.
    public mutating func removeTopics(
        where isGone: (_ name: String, _ id: UUIDBytes?) -> Bool
    ) -> [GroupRecord] {
        var places: [Place] = []
        for (place, change) in pending.values.joined() {
            guard let offset = change.latest, isGone(place.topic, offset.topicID) else { continue }
            places.append(place)
        }
        for group in groups.keys {
            forAll(of: group) { topic, partition, offset in
                guard isGone(topic, offset.topicID) else { return }
                let place = Place(group: group, topic: topic, partition: partition)
                if change(at: place) == nil { places.append(place) }
            }
        }
        return remove(places)
    }

    /// Deletes what a group has kept for longer than it may. `isEmpty` says that then nothing is
    /// left, so that a group without members may go.
    public mutating func expire(
        group: String,
        by rule: OffsetRetention,
        now: Timestamp,
        isSubscribed: (String) -> Bool
    ) -> (records: [GroupRecord], isEmpty: Bool) {
        var places: [Place] = []
        var isEmpty = (pending[group] ?? [:]).values.allSatisfy { $0.latest == nil }
        forAll(of: group) { topic, partition, offset in
            let place = Place(group: group, topic: topic, partition: partition)
            // A change on its way is younger than what it replaces.
            guard change(at: place) == nil else { return }
            if !isSubscribed(topic), rule.hasExpired(offset, now: now) {
                places.append(place)
            } else {
                isEmpty = false
            }
        }
        return (remove(places), isEmpty)
    }

    // MARK: The log's answer

    /// The log has answered for records that the methods above returned, in that order. Records of
    /// other kinds say nothing here.
    public mutating func settled(_ records: [GroupRecord], areKept: Bool) {
        for record in records {
            switch record {
            case .offset(let group, let topic, let partition, let offset):
                let place = Place(group: group, topic: topic, partition: partition)
                finish(place)
                if areKept { keep(offset, at: place) }
            case .offsetGone(let group, let topic, let partition):
                let place = Place(group: group, topic: topic, partition: partition)
                finish(place)
                if areKept { drop(place) }
            case .group, .groupGone, .other: break
            }
        }
    }

    /// Takes over what a log held, record by record; the bound does not hold here, as nothing that
    /// was kept may be forgotten.
    public mutating func restore(_ record: GroupRecord) {
        switch record {
        case .offset(let group, let topic, let partition, let offset):
            keep(offset, at: Place(group: group, topic: topic, partition: partition))
        case .offsetGone(let group, let topic, let partition):
            drop(Place(group: group, topic: topic, partition: partition))
        case .group, .groupGone, .other: break
        }
    }

    // MARK: Places

    /// Shows each offset that is kept.
    private func forAll(of group: String, _ body: (String, Int32, CommittedOffset) -> Void) {
        for (topic, partitions) in groups[group] ?? [:] {
            for (partition, offset) in partitions { body(topic, partition, offset) }
        }
    }

    private func change(at place: Place) -> Pending? { pending[place.group]?[place] }

    private func kept(at place: Place) -> CommittedOffset? {
        groups[place.group]?[place.topic]?[place.partition]
    }

    private func latest(at place: Place) -> CommittedOffset? {
        if let change = change(at: place) { return change.latest }
        return kept(at: place)
    }

    private mutating func remove(_ places: [Place]) -> [GroupRecord] {
        places.map { place in
            begin(nil, at: place)
            return .offsetGone(
                group: place.group,
                topic: place.topic,
                partition: place.partition
            )
        }
    }

    private mutating func begin(_ offset: CommittedOffset?, at place: Place) {
        var change = change(at: place) ?? Pending(latest: nil, writes: 0)
        let before = change.latest.map { Self.cost(of: $0, at: place) } ?? 0
        change.latest = offset
        change.writes += 1
        resize(\.bytesPending, from: before, to: offset.map { Self.cost(of: $0, at: place) } ?? 0)
        pending[place.group, default: [:]][place] = change
    }

    private mutating func finish(_ place: Place) {
        guard var change = change(at: place) else { return }
        change.writes -= 1
        guard change.writes == 0 else {
            pending[place.group]?[place] = change
            return
        }
        let before = change.latest.map { Self.cost(of: $0, at: place) } ?? 0
        resize(\.bytesPending, from: before, to: 0)
        pending[place.group]?[place] = nil
        if pending[place.group]?.isEmpty == true { pending[place.group] = nil }
    }

    private mutating func keep(_ offset: CommittedOffset, at place: Place) {
        let old = groups[place.group, default: [:]][place.topic, default: [:]]
            .updateValue(offset, forKey: place.partition)
        let before = old.map { Self.cost(of: $0, at: place) } ?? 0
        resize(\.bytesKept, from: before, to: Self.cost(of: offset, at: place))
        if old == nil { count += 1 }
    }

    private mutating func drop(_ place: Place) {
        guard let old = groups[place.group]?[place.topic]?.removeValue(forKey: place.partition)
        else { return }
        resize(\.bytesKept, from: Self.cost(of: old, at: place), to: 0)
        count -= 1
        guard groups[place.group]?[place.topic]?.isEmpty == true else { return }
        groups[place.group]?[place.topic] = nil
        guard groups[place.group]?.isEmpty == true else { return }
        groups[place.group] = nil
    }

    private mutating func resize(
        _ sum: WritableKeyPath<CommittedOffsets, Int>,
        from old: Int,
        to new: Int
    ) {
        self[keyPath: sum] += new - old
        if new > old {
            memory.overdraw(ByteCount(new - old))
        } else {
            memory.release(ByteCount(old - new))
        }
    }

    private static func cost(of offset: CommittedOffset, at place: Place) -> Int {
        overhead + offset.metadata.utf8.count + place.topic.utf8.count + place.group.utf8.count
    }
}

extension CommittedOffset {
    /// Whether it was committed of the topic with this id; true where one of them is not known.
    fileprivate func belongs(to id: UUIDBytes?) -> Bool {
        guard let id, let topicID else { return true }
        return id == topicID
    }
}
