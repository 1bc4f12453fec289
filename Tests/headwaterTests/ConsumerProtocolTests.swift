import Testing
import headwater

@Suite struct ConsumerProtocolTests {
    private let places = [
        PartitionName(topic: "a", index: 0), PartitionName(topic: "a", index: 2),
        PartitionName(topic: "b", index: 1),
    ]

    @Test func `a subscription is read as it was written`() {
        let bytes = ConsumerProtocol.subscription(to: ["a", "b"])
        #expect(bytes == [0, 0, 0, 0, 0, 2, 0, 1, 97, 0, 1, 98, 255, 255, 255, 255])
        #expect(ConsumerProtocol.topics(ofSubscription: bytes) == ["a", "b"])
    }

    @Test func `newer versions begin with the same fields`() {
        let bytes: [UInt8] = [0, 3, 0, 0, 0, 1, 0, 1, 97, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0]
        #expect(ConsumerProtocol.topics(ofSubscription: bytes) == ["a"])
    }

    @Test func `an assignment is read as it was written`() {
        let bytes = ConsumerProtocol.assignment(of: places.reversed())
        #expect(ConsumerProtocol.partitions(ofAssignment: bytes) == places)
        #expect(ConsumerProtocol.partitions(ofAssignment: []) == [])
    }

    @Test func `what is cut off or wild is refused`() {
        let whole = ConsumerProtocol.assignment(of: places)
        for length in 1..<(whole.count - 4) {
            #expect(ConsumerProtocol.partitions(ofAssignment: Array(whole[..<length])) == nil)
        }
        #expect(ConsumerProtocol.topics(ofSubscription: [0, 0, 127, 255, 255, 255, 0, 0]) == nil)
        #expect(ConsumerProtocol.topics(ofSubscription: [255, 255, 0, 0, 0, 0]) == nil)
    }
}

@Suite struct AssignorTests {
    private func partitions(_ counts: [String: Int32]) -> [PartitionName] {
        counts.flatMap { topic, count in
            (0..<count).map { PartitionName(topic: topic, index: $0) }
        }
    }

    private func text(_ assigned: [String: [PartitionName]]) -> [String: String] {
        assigned.mapValues { $0.sorted().map { "\($0)" }.joined(separator: " ") }
    }

    @Test func `range gives the first members one more of each topic`() {
        let members = ["m2", "m1"].map { Assignor.Member(id: $0, topics: ["a", "b"]) }
        #expect(
            text(Assignor.range.assign(partitions(["a": 3, "b": 3]), to: members))
                == ["m1": "a-0 a-1 b-0 b-1", "m2": "a-2 b-2"]
        )
    }

    @Test func `round robin deals all partitions in turn, past those who do not want them`() {
        let members = [
            Assignor.Member(id: "m1", topics: ["a"]),
            Assignor.Member(id: "m2", topics: ["a", "b"]),
        ]
        #expect(
            text(Assignor.roundrobin.assign(partitions(["a": 3, "b": 2]), to: members))
                == ["m1": "a-0 a-2", "m2": "a-1 b-0 b-1"]
        )
    }

    @Test(arguments: Assignor.allCases)
    func `every partition has exactly one reader`(assignor: Assignor) {
        for members in 1...7 {
            let all = (0..<members).map { Assignor.Member(id: "m\($0)", topics: ["a"]) }
            let assigned = assignor.assign(partitions(["a": 5]), to: all)
            #expect(assigned.values.flatMap { $0 }.sorted() == partitions(["a": 5]))
            #expect(assigned.count == members)
        }
        #expect(assignor.assign(partitions(["a": 5]), to: []).isEmpty)
    }

    @Test func `static members keep their order over restarts`() {
        let first = Assignor.Member(id: "z", instanceID: "1", topics: ["a"])
        let second = Assignor.Member(id: "y", instanceID: "2", topics: ["a"])
        let assigned = Assignor.range.assign(partitions(["a": 2]), to: [second, first])
        #expect(text(assigned) == ["z": "a-0", "y": "a-1"])
    }
}
