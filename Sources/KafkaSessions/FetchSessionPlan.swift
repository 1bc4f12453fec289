import BrokerModel
import KafkaWire

/// What a session's next answer is about: its partitions, in the order of their turns. A value, so
/// that another thread may read by it while the session goes on.
public struct FetchSessionPlan: Sendable {
    public let sessionID: Int32
    /// By the number that partitions have for their topic.
    public internal(set) var topics: [FetchTopic] = []
    /// By slot; some are free, and only those that `first` leads to are wanted.
    public internal(set) var partitions: [FetchSessionPartition] = []
    /// The slot whose turn it is, -1 when there is none.
    public private(set) var first: Int32 = -1
    private var last: Int32 = -1
    /// What all partitions may bring together.
    public internal(set) var bytesMax = 0

    init(sessionID: Int32) { self.sessionID = sessionID }

    mutating func makeSlot() -> Int32 {
        partitions.append(FetchSessionPartition(topic: -1, index: -1))
        return Int32(partitions.count - 1)
    }

    mutating func append(_ slot: Int32) {
        partitions[Int(slot)].previous = last
        partitions[Int(slot)].next = -1
        if last >= 0 { partitions[Int(last)].next = slot } else { first = slot }
        last = slot
    }

    mutating func unlink(_ slot: Int32) {
        let (previous, next) = (partitions[Int(slot)].previous, partitions[Int(slot)].next)
        if previous >= 0 { partitions[Int(previous)].next = next } else { first = next }
        if next >= 0 { partitions[Int(next)].previous = previous } else { last = previous }
    }
}

/// A topic as fetches name it: by its name, or from version 13 on by its id.
public struct FetchTopic: Hashable, Sendable {
    public var name = ""
    public var id = UUIDBytes.zero
}

/// One partition of a session: what the client wants of it, and what it was told last.
public struct FetchSessionPartition: Sendable {
    /// A place in the plan's `topics`.
    public let topic: Int32
    public let index: Int32
    public private(set) var bytesMax: Int32 = 0
    public private(set) var currentLeaderEpoch = LeaderEpoch.none
    public private(set) var lastFetchedEpoch = LeaderEpoch.none
    public private(set) var fetchOffset = Offset.zero
    /// As told last; -1 before the first time, and after an error.
    public internal(set) var highWatermark = Offset(-1)
    public internal(set) var logStartOffset = Offset(-1)
    /// The slot whose turn is next, -1 at the end.
    public internal(set) var next: Int32 = -1
    var previous: Int32 = -1

    init(topic: Int32, index: Int32) {
        self.topic = topic
        self.index = index
    }

    mutating func take(_ wanted: FetchRequest.Partition) {
        bytesMax = wanted.bytesMax
        currentLeaderEpoch = wanted.currentLeaderEpoch
        lastFetchedEpoch = wanted.lastFetchedEpoch
        fetchOffset = wanted.fetchOffset
    }

    /// The same as a request would have it.
    @inlinable public var wanted: FetchRequest.Partition {
        var wanted = FetchRequest.Partition(
            index: index,
            fetchOffset: fetchOffset,
            bytesMax: bytesMax
        )
        wanted.currentLeaderEpoch = currentLeaderEpoch
        wanted.lastFetchedEpoch = lastFetchedEpoch
        return wanted
    }

    /// Whether an answer has to speak of this partition: it brings records or an error, or tells
    /// other marks than the last one did.
    @inlinable public func isNews(_ head: FetchResponse.PartitionHead, hasRecords: Bool) -> Bool {
        hasRecords || head.errorCode != .none || head.divergingEpoch != nil
            || head.highWatermark != highWatermark || head.logStartOffset != logStartOffset
    }
}

/// What an answer tells of one partition, as its session remembers it.
public struct FetchNews: Equatable, Sendable {
    /// In a session's first answer: the place in the request.
    public let slot: Int32
    public let highWatermark: Offset
    public let logStartOffset: Offset
    public let hasRecords: Bool

    public init(slot: Int32, _ head: FetchResponse.PartitionHead, hasRecords: Bool) {
        self.slot = slot
        // After an error the partition is told again, whatever its marks are then.
        highWatermark = head.errorCode == .none ? head.highWatermark : Offset(-1)
        logStartOffset = head.logStartOffset
        self.hasRecords = hasRecords
    }
}
