import MQTTWire

/// Who subscribed to what, as a trie over topic levels (4.7).
///
/// A filter belongs to a subscriber once: the caller removes it before it inserts it again.
/// Matching visits a node at most once, whatever the topic, and allocates nothing but the
/// result's growth.
public struct SubscriptionTree: Sendable {
    /// One subscription of one subscriber.
    public struct Entry: Hashable, Sendable {
        public var subscriber: SessionHandle
        /// Zero for none (MQTT 5, 3.8.2.1.2).
        public var identifier: UInt32
        /// What the subscription is granted at.
        public var qos: QualityOfService
        /// The subscriber does not want its own messages (3.8.3.1).
        public var isNoLocal: Bool

        public init(
            subscriber: SessionHandle,
            identifier: UInt32 = 0,
            qos: QualityOfService = .atMostOnce,
            isNoLocal: Bool = false
        ) {
            self.subscriber = subscriber
            self.identifier = identifier
            self.qos = qos
            self.isNoLocal = isNoLocal
        }
    }

    private var levels: TopicLevels
    public private(set) var count = 0

    public init(seed: UInt64 = 0) { levels = TopicLevels(seed: seed) }

    public var isEmpty: Bool { count == 0 }
    /// Nodes in use, the root among them.
    public var nodeCount: Int { levels.nodeCount }

    public mutating func insert(_ entry: Entry, filter: TopicFilter) {
        var node = TopicLevels.root
        var isMultilevel = false
        filter.pattern.bytes.withUnsafeBytes { pattern in
            forEachLevel(of: pattern) { level in
                if level.isMultilevelWildcard {
                    isMultilevel = true
                } else if level.isSingleLevelWildcard {
                    node = levels.makePlus(of: node)
                } else {
                    node = levels.makeChild(of: node, level)
                }
            }
        }
        levels.append(entry, at: node, isMultilevel: isMultilevel)
        count += 1
    }

    /// False when the subscriber had no such subscription.
    @discardableResult
    public mutating func remove(_ subscriber: SessionHandle, filter: TopicFilter) -> Bool {
        var node = TopicLevels.root
        var isMultilevel = false
        filter.pattern.bytes.withUnsafeBytes { pattern in
            forEachLevel(of: pattern) { level in
                guard node != TopicLevels.none else { return }
                if level.isMultilevelWildcard {
                    isMultilevel = true
                } else if level.isSingleLevelWildcard {
                    node = levels.nodes[Int(node)].plus
                } else {
                    node = levels.child(of: node, level)
                }
            }
        }
        guard node != TopicLevels.none,
            levels.remove(subscriber, at: node, isMultilevel: isMultilevel)
        else { return false }
        levels.prune(from: node)
        count -= 1
        return true
    }

    /// Appends every subscription that the topic matches. The topic's bytes are a valid name.
    public func match(_ topic: UnsafeRawBufferPointer, into matches: inout [Entry]) {
        guard count > 0 else { return }
        // Wildcards at the front leave `$`-topics alone (4.7.2).
        let isReserved = topic.first == UInt8(ascii: "$")
        visit(TopicLevels.root, topic, from: 0, skipsWildcards: isReserved, into: &matches)
    }

    /// `start` is past the topic's end once its last level has led to `node`. The depth is bounded
    /// by the filters' levels, not by the topic's.
    private func visit(
        _ node: TopicLevels.Index,
        _ topic: UnsafeRawBufferPointer,
        from start: Int,
        skipsWildcards: Bool,
        into matches: inout [Entry]
    ) {
        let place = Int(node)
        let found = levels.nodes[place]
        // `a/#` matches `a` as well (4.7.1.2), so this comes before the question of the end.
        if found.hasMultilevel, !skipsWildcards {
            matches.append(contentsOf: levels.contents[place].multilevel)
        }
        guard start <= topic.count else {
            if found.hasExact { matches.append(contentsOf: levels.contents[place].exact) }
            return
        }
        guard found.childCount > 0 else { return }
        let end = topic.levelEnd(from: start)
        if found.plus != TopicLevels.none, !skipsWildcards {
            visit(found.plus, topic, from: end &+ 1, skipsWildcards: false, into: &matches)
        }
        // A lone `+` child needs no look into the table.
        guard found.childCount > 1 || found.plus == TopicLevels.none else { return }
        let level = UnsafeRawBufferPointer(rebasing: topic[start..<end])
        let named = levels.child(of: node, level)
        if named != TopicLevels.none {
            visit(named, topic, from: end &+ 1, skipsWildcards: false, into: &matches)
        }
    }

    private func forEachLevel(
        of pattern: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        var start = 0
        while start <= pattern.count {
            let end = pattern.levelEnd(from: start)
            body(UnsafeRawBufferPointer(rebasing: pattern[start..<end]))
            start = end + 1
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Where the level ends that begins at `start`; eight bytes at a time.
    fileprivate func levelEnd(from start: Int) -> Int {
        guard let first = baseAddress else { return start }
        var end = start
        while end &+ 8 <= count {
            let word = UInt64(
                littleEndian: first.loadUnaligned(fromByteOffset: end, as: UInt64.self)
            )
            let slashes = word ^ 0x2f2f_2f2f_2f2f_2f2f
            let zeros = (slashes &- 0x0101_0101_0101_0101) & ~slashes & 0x8080_8080_8080_8080
            if zeros != 0 { return end &+ zeros.trailingZeroBitCount / 8 }
            end &+= 8
        }
        while end < count, self[end] != UInt8(ascii: "/") { end &+= 1 }
        return end
    }

    fileprivate var isSingleLevelWildcard: Bool { count == 1 && first == UInt8(ascii: "+") }
    fileprivate var isMultilevelWildcard: Bool { count == 1 && first == UInt8(ascii: "#") }
}
