import HeadwaterTesting
import MQTTSessions
import MQTTWire
import Testing

@Suite struct SubscriptionTreeTests {
    private func subscriber(_ number: UInt32) -> SessionHandle { SessionHandle(rawValue: number) }

    private func matches(_ tree: SubscriptionTree, _ topic: String) -> [UInt32] {
        var entries: [SubscriptionTree.Entry] = []
        Array(topic.utf8).withUnsafeBytes { tree.match($0, into: &entries) }
        return entries.map { $0.subscriber.rawValue }.sorted()
    }

    private func matches(_ filter: String, _ topic: String) -> Bool {
        var tree = SubscriptionTree()
        guard let filter = TopicFilter(filter) else { return false }
        tree.insert(.init(subscriber: subscriber(1)), filter: filter)
        return matches(tree, topic) == [1]
    }

    @Test(arguments: [
        ("sport/tennis/player1/#", "sport/tennis/player1"),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking"),
        ("sport/#", "sport"), ("#", "sport/tennis"), ("#", "/"), ("+", "finance"),
        ("/+", "/finance"),
        ("+/+", "/finance"), ("sport/+", "sport/"), ("sport/+/player1", "sport/tennis/player1"),
        ("$SYS/#", "$SYS/a"), ("$SYS/+/x", "$SYS/a/x"), ("a//b", "a//b"), ("a/+/b", "a//b"),
        ("+/b/#", "a/b"), ("a/b", "a/b"), ("a/$b", "a/$b"), ("a/+", "a/$b"),
    ])
    func `a filter matches`(filter: String, topic: String) {
        #expect(matches(filter, topic))
    }

    @Test(arguments: [
        ("sport/+", "sport"), ("sport/+", "sport/tennis/player1"), ("+", "/finance"),
        ("#", "$SYS/a"), ("+/a", "$SYS/a"), ("+", "$SYS"), ("a/b", "a"), ("a", "a/b"),
        ("a/b", "a/B"),
        ("a", "a/"), ("a/", "a"), ("sport/#", "sports"), ("$SYS/#", "SYS/a"),
    ])
    func `a filter does not match`(filter: String, topic: String) {
        #expect(!matches(filter, topic))
    }

    /// 4.7 in a few lines, for comparing.
    private func isMatch(_ filter: String, _ topic: String) -> Bool {
        let filter = filter.split(separator: "/", omittingEmptySubsequences: false)
        let topic = topic.split(separator: "/", omittingEmptySubsequences: false)
        if topic[0].hasPrefix("$"), filter[0] == "+" || filter[0] == "#" { return false }
        for (index, level) in filter.enumerated() {
            if level == "#" { return true }
            guard index < topic.count, level == "+" || level == topic[index] else { return false }
        }
        return filter.count == topic.count
    }

    @Test func `random filters match as the rule in a few lines does, while they come and go`() {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let words = ["a", "b", "", "$c", "d-long-level-name", "d-long-level-nama"]
        func level() -> String { words.randomElement(using: &generator) ?? "" }
        var tree = SubscriptionTree(seed: seed)
        var known: [(subscriber: UInt32, filter: String)] = []
        for round in UInt32(0)..<3_000 {
            var filter = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                Int.random(in: 0..<3, using: &generator) == 0 ? "+" : level()
            }
            if Int.random(in: 0..<4, using: &generator) == 0 { filter.append("#") }
            if let parsed = TopicFilter(filter.joined(separator: "/")) {
                tree.insert(.init(subscriber: subscriber(round)), filter: parsed)
                known.append((round, parsed.description))
            }
            if known.count > 40, let place = known.indices.randomElement(using: &generator) {
                let gone = known.remove(at: place)
                guard let parsed = TopicFilter(gone.filter) else { continue }
                let first = tree.remove(subscriber(gone.subscriber), filter: parsed)
                let second = tree.remove(subscriber(gone.subscriber), filter: parsed)
                #expect(first && !second, "seed \(seed)")
            }
            let topic = (0..<Int.random(in: 1...5, using: &generator)).map { _ in level() }
                .joined(separator: "/")
            let expected = known.filter { isMatch($0.filter, topic) }.map { $0.subscriber }
            #expect(matches(tree, topic) == expected.sorted(), "seed \(seed), topic \(topic)")
        }
        for (number, filter) in known {
            guard let parsed = TopicFilter(filter) else { continue }
            tree.remove(subscriber(number), filter: parsed)
        }
        #expect(tree.isEmpty)
        #expect(tree.nodeCount == 1)
    }
}
