/// The nodes of a topic trie, found by parent and level in one hash table, so that a lookup takes
/// no allocation and a wide level costs no more than a narrow one.
struct TopicLevels {
    typealias Index = Int32
    static let none: Index = -1
    static let root: Index = 0

    /// What matching looks at. Plain numbers only, so that reading a node counts no references.
    struct Node {
        var parent: Index
        var hash: UInt64
        /// Named children and the one for `+`.
        var childCount = 0
        /// The child for `+`, which the table does not hold.
        var plus = TopicLevels.none
        var hasExact = false
        var hasMultilevel = false

        var isUnused: Bool { childCount == 0 && !hasExact && !hasMultilevel }
    }

    /// What hangs on a node.
    struct Content {
        var level: [UInt8]
        /// Subscriptions that end here, and those that end here with `/#`.
        var exact: [SubscriptionTree.Entry] = []
        var multilevel: [SubscriptionTree.Entry] = []
    }

    private(set) var nodes: [Node]
    /// Beside `nodes`, at the same places.
    private(set) var contents: [Content]
    private var freeNodes: [Index] = []
    /// Open addressing with linear probing: node indexes, `none` for empty.
    private var table = [Index](repeating: none, count: 16)
    private var tableCount = 0
    /// Clients choose the levels: without a seed they could choose collisions too.
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
        nodes = [Node(parent: Self.none, hash: 0)]
        contents = [Content(level: [])]
    }

    var nodeCount: Int { nodes.count - freeNodes.count }

    func child(of parent: Index, _ level: UnsafeRawBufferPointer) -> Index {
        let hash = hash(parent, level)
        var slot = self.slot(hash)
        while table[slot] != Self.none {
            let index = table[slot]
            if isNode(index, parent, hash, level) { return index }
            slot = next(slot)
        }
        return Self.none
    }

    mutating func makeChild(of parent: Index, _ level: UnsafeRawBufferPointer) -> Index {
        let found = child(of: parent, level)
        guard found == Self.none else { return found }
        if (tableCount + 1) * 2 > table.count { growTable() }
        let node = Node(parent: parent, hash: hash(parent, level))
        let index = store(node, level: Array(level))
        insertIntoTable(index, hash: node.hash)
        tableCount += 1
        return index
    }

    mutating func makePlus(of parent: Index) -> Index {
        let found = nodes[Int(parent)].plus
        guard found == Self.none else { return found }
        let index = store(Node(parent: parent, hash: 0), level: [])
        nodes[Int(parent)].plus = index
        return index
    }

    mutating func append(_ entry: SubscriptionTree.Entry, at index: Index, isMultilevel: Bool) {
        if isMultilevel {
            contents[Int(index)].multilevel.append(entry)
        } else {
            contents[Int(index)].exact.append(entry)
        }
        noteEntries(at: index)
    }

    /// True when the subscriber had an entry there.
    mutating func remove(_ subscriber: SessionHandle, at index: Index, isMultilevel: Bool) -> Bool {
        let content = contents[Int(index)]
        let entries = isMultilevel ? content.multilevel : content.exact
        guard let place = entries.firstIndex(where: { $0.subscriber == subscriber }) else {
            return false
        }
        if isMultilevel {
            contents[Int(index)].multilevel.remove(at: place)
        } else {
            contents[Int(index)].exact.remove(at: place)
        }
        noteEntries(at: index)
        return true
    }

    private mutating func noteEntries(at index: Index) {
        nodes[Int(index)].hasExact = !contents[Int(index)].exact.isEmpty
        nodes[Int(index)].hasMultilevel = !contents[Int(index)].multilevel.isEmpty
    }

    /// Frees the node and its ancestors as far as nothing hangs on them.
    mutating func prune(from index: Index) {
        var index = index
        while index != Self.root, nodes[Int(index)].isUnused {
            let parent = nodes[Int(index)].parent
            if nodes[Int(parent)].plus == index {
                nodes[Int(parent)].plus = Self.none
            } else {
                removeFromTable(index)
            }
            nodes[Int(parent)].childCount -= 1
            nodes[Int(index)] = Node(parent: Self.none, hash: 0)
            contents[Int(index)] = Content(level: [])
            freeNodes.append(index)
            index = parent
        }
    }

    private mutating func store(_ node: Node, level: [UInt8]) -> Index {
        nodes[Int(node.parent)].childCount += 1
        if let free = freeNodes.popLast() {
            nodes[Int(free)] = node
            contents[Int(free)] = Content(level: level)
            return free
        }
        nodes.append(node)
        contents.append(Content(level: level))
        return Index(nodes.count - 1)
    }

    private func isNode(
        _ index: Index,
        _ parent: Index,
        _ hash: UInt64,
        _ level: UnsafeRawBufferPointer
    ) -> Bool {
        guard nodes[Int(index)].hash == hash, nodes[Int(index)].parent == parent else {
            return false
        }
        return contents[Int(index)].level.withUnsafeBytes { $0.hasSameBytes(as: level) }
    }

    private func slot(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (table.count &- 1) }
    private func next(_ slot: Int) -> Int { (slot &+ 1) & (table.count &- 1) }

    private mutating func insertIntoTable(_ index: Index, hash: UInt64) {
        var slot = self.slot(hash)
        while table[slot] != Self.none { slot = next(slot) }
        table[slot] = index
    }

    /// Closes the gap by moving later members of the run back, so that no tombstones pile up.
    private mutating func removeFromTable(_ index: Index) {
        var gap = slot(nodes[Int(index)].hash)
        while table[gap] != index { gap = next(gap) }
        table[gap] = Self.none
        tableCount -= 1
        var slot = next(gap)
        while table[slot] != Self.none {
            let home = self.slot(nodes[Int(table[slot])].hash)
            let fromHome = (slot &- home) & (table.count &- 1)
            let fromGap = (slot &- gap) & (table.count &- 1)
            if fromHome >= fromGap {
                table[gap] = table[slot]
                table[slot] = Self.none
                gap = slot
            }
            slot = next(slot)
        }
    }

    private mutating func growTable() {
        let members = table.filter { $0 != Self.none }
        table = [Index](repeating: Self.none, count: table.count * 2)
        for index in members { insertIntoTable(index, hash: nodes[Int(index)].hash) }
    }

    private func hash(_ parent: Index, _ level: UnsafeRawBufferPointer) -> UInt64 {
        var hash = mix(seed ^ UInt64(UInt32(bitPattern: parent)), UInt64(level.count))
        var index = 0
        while index &+ 8 <= level.count {
            hash = mix(hash, level.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index &+= 8
        }
        let tail = level.tailWord(from: index)
        return mix(hash, tail)
    }

    private func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ word ^ 0x9e37_79b9_7f4a_7c15).multipliedFullWidth(
            by: 0xd6e8_feb8_6659_fd93
        )
        return product.high ^ product.low
    }
}

extension UnsafeRawBufferPointer {
    /// The last bytes, fewer than eight, as one word.
    @inline(__always)
    fileprivate func tailWord(from start: Int) -> UInt64 {
        var tail: UInt64 = 0
        var index = start
        while index < count {
            tail = tail &<< 8 | UInt64(self[index])
            index &+= 1
        }
        return tail
    }

    @inline(__always)
    fileprivate func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        var index = 0
        while index &+ 8 <= count {
            let word = loadUnaligned(fromByteOffset: index, as: UInt64.self)
            guard word == other.loadUnaligned(fromByteOffset: index, as: UInt64.self) else {
                return false
            }
            index &+= 8
        }
        return tailWord(from: index) == other.tailWord(from: index)
    }
}
