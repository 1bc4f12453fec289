import BrokerModel
import HeadwaterTesting
import KafkaSessions
import Testing

@Suite struct CommittedOffsetsTests {
    private let memory = MemoryPool(name: "groups", capacity: .mebibytes(1))

    private func at(
        _ offset: Int64,
        time: Int64 = 2_000_000_000_000,
        metadata: String = "",
        topicID: UUIDBytes? = nil
    ) -> CommittedOffset {
        CommittedOffset(
            offset: Offset(offset),
            metadata: metadata,
            commitTimestamp: Timestamp(milliseconds: time),
            topicID: topicID
        )
    }

    private func table(_ committed: [(group: String, topic: String, Int32)]) -> CommittedOffsets {
        var offsets = CommittedOffsets(memory: memory)
        for (group, topic, partition) in committed {
            offsets.restore(.offset(group: group, topic: topic, partition: partition, at(5)))
        }
        return offsets
    }

    private func offset(_ offsets: CommittedOffsets, _ partition: Int32 = 0) -> Int64? {
        offsets.committed(group: "g", topic: "t", partition: partition)?.offset.rawValue
    }

    private func commit(
        _ offsets: inout CommittedOffsets,
        _ number: Int64,
        _ partition: Int32
    ) throws -> GroupRecord {
        let record = offsets.commit(at(number), group: "g", topic: "t", partition: partition)
        return try #require(record)
    }

    private func delete(_ offsets: inout CommittedOffsets) -> GroupRecord? {
        offsets.delete(group: "g", topic: "t", partition: 0)
    }

    // MARK: Order and durability

    @Test func `a commit is seen once the log has kept it, and not before`() throws {
        var offsets = CommittedOffsets(memory: memory)
        let record = try commit(&offsets, 7, 0)
        #expect(offset(offsets) == nil)
        offsets.settled([record], areKept: true)
        #expect(offset(offsets) == 7)
        #expect(offsets.count == 1)
    }

    @Test func `a commit that the log failed leaves the one before`() throws {
        var offsets = table([("g", "t", 0)])
        let record = try commit(&offsets, 7, 0)
        offsets.settled([record], areKept: false)
        #expect(offset(offsets) == 5)
        #expect(offsets.bytes == table([("g", "t", 0)]).bytes)
    }

    @Test func `commits of one place take effect in their order, whichever fail`() throws {
        var offsets = CommittedOffsets(memory: memory)
        let records = try (1...4).map { number in
            try commit(&offsets, number, 0)
        }
        for (record, seen) in zip(records, [1, 1, 3, 3] as [Int64]) {
            offsets.settled([record], areKept: record == records[0] || record == records[2])
            #expect(offset(offsets) == seen)
        }
        #expect(offsets.count == 1)
    }

    @Test func `what is deleted while its commit is on its way stays deleted`() throws {
        var offsets = CommittedOffsets(memory: memory)
        let commit = try commit(&offsets, 7, 0)
        let deletion = try #require(delete(&offsets))
        let again = delete(&offsets)
        #expect(again == nil)
        let left = offsets.removeGroup("g")
        #expect(left.isEmpty)
        offsets.settled([commit], areKept: true)
        #expect(offset(offsets) == 7)
        offsets.settled([deletion], areKept: true)
        #expect(offset(offsets) == nil)
        #expect(offsets.count == 0 && offsets.bytes == .zero && memory.used == .zero)
    }

    @Test func `removing a group takes what is on its way, too`() throws {
        var offsets = table([("g", "t", 0), ("g", "u", 1), ("h", "t", 0)])
        let commit = try commit(&offsets, 7, 9)
        let gone = offsets.removeGroup("g")
        let again = offsets.removeGroup("g")
        #expect(gone.count == 3 && again.isEmpty)
        offsets.settled([commit] + gone, areKept: true)
        #expect(offsets.topics(of: "g").isEmpty && !offsets.topics(of: "h").isEmpty)
        #expect(offsets.count == 1)
    }

    // MARK: Topics

    @Test func `a topic that took a deleted one's name does not inherit its offsets`() {
        let (old, new) = (UUIDBytes(high: 1, low: 1), UUIDBytes(high: 1, low: 2))
        var offsets = CommittedOffsets(memory: memory)
        offsets.restore(.offset(group: "g", topic: "t", partition: 0, at(7, topicID: old)))
        func committed(_ id: UUIDBytes?) -> Offset? {
            offsets.committed(group: "g", topic: "t", partition: 0, topicID: id)?.offset
        }
        #expect(committed(old) == Offset(7) && committed(nil) == Offset(7))
        #expect(committed(new) == nil)
        let gone = offsets.removeTopics { $0 != "t" || $1 != new }
        #expect(gone == [.offsetGone(group: "g", topic: "t", partition: 0)])
    }

    // MARK: Age

    private static let day: Int64 = 86_400_000
    private static let start: Int64 = 2_000_000_000_000
    private let booted = Timestamp(milliseconds: start)

    private func expire(
        _ offsets: inout CommittedOffsets,
        _ start: OffsetRetention.Start,
        after milliseconds: Int64,
        subscribed: Set<String> = [],
        clock: Timestamp? = Timestamp(milliseconds: start)
    ) -> (records: [GroupRecord], isEmpty: Bool) {
        let rule = OffsetRetention(start: start, time: .days(7), clockSince: clock)
        return offsets.expire(
            group: "g",
            by: rule,
            now: Timestamp(milliseconds: Self.start + milliseconds)
        ) { subscribed.contains($0) }
    }

    private func expectExpired(
        _ offsets: inout CommittedOffsets,
        _ count: Int,
        _ start: OffsetRetention.Start,
        after milliseconds: Int64,
        clock: Timestamp? = Timestamp(milliseconds: start),
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let expired = expire(&offsets, start, after: milliseconds, clock: clock)
        #expect(expired.records.count == count, sourceLocation: sourceLocation)
    }

    @Test func `offsets of a group with members never grow old`() {
        var offsets = table([("g", "t", 0)])
        let kept = expire(&offsets, .never, after: 9_000 * Self.day)
        #expect(kept.records.isEmpty && !kept.isEmpty)
    }

    @Test func `the time is counted from the group's last member, not from the commit`() {
        var offsets = table([("g", "t", 0)])
        let left = Timestamp(milliseconds: Self.start + 3 * Self.day)
        let kept = expire(&offsets, .time(left), after: 10 * Self.day - 1)
        #expect(kept.records.isEmpty && !kept.isEmpty)
        let expired = expire(&offsets, .time(left), after: 10 * Self.day)
        #expect(expired.records == [.offsetGone(group: "g", topic: "t", partition: 0)])
        #expect(expired.isEmpty)
    }

    @Test func `without a group the time is counted from the commit`() {
        var offsets = table([("g", "t", 0)])
        expectExpired(&offsets, 0, .commit, after: 7 * Self.day - 1)
        expectExpired(&offsets, 1, .commit, after: 7 * Self.day)
    }

    @Test func `topics that are read stay when others go`() {
        var offsets = table([("g", "read", 0), ("g", "left", 0)])
        let expired = expire(&offsets, .commit, after: 8 * Self.day, subscribed: ["read"])
        #expect(expired.records == [.offsetGone(group: "g", topic: "left", partition: 0)])
        #expect(!expired.isEmpty)
    }

    @Test func `a time that the client set holds instead`() {
        var offsets = CommittedOffsets(memory: memory)
        var committed = at(7)
        committed.expireTimestamp = Timestamp(milliseconds: Self.start + 60_000)
        offsets.restore(.offset(group: "g", topic: "t", partition: 0, committed))
        expectExpired(&offsets, 0, .commit, after: 59_999)
        expectExpired(&offsets, 1, .commit, after: 60_000)
    }

    @Test func `what is on its way is never expired with what it replaces`() throws {
        var offsets = table([("g", "t", 0)])
        let commit = try commit(&offsets, 7, 0)
        let kept = expire(&offsets, .commit, after: 8 * Self.day)
        #expect(kept.records.isEmpty && !kept.isEmpty)
        offsets.settled([commit], areKept: true)
        #expect(offset(offsets) == 7)
    }

    @Test func `a commit dated 1970 counts from the first clock that can be right`() {
        var offsets = CommittedOffsets(memory: memory)
        offsets.restore(.offset(group: "g", topic: "t", partition: 0, at(7, time: 60_000)))
        expectExpired(&offsets, 0, .commit, after: 9 * Self.day, clock: nil)
        expectExpired(&offsets, 0, .commit, after: 7 * Self.day - 1)
        expectExpired(&offsets, 1, .commit, after: 7 * Self.day)
    }

    // MARK: Bounds

    @Test func `a full pool refuses new places, and still takes commits of known ones`() throws {
        let memory = MemoryPool(name: "groups", capacity: .kibibytes(4))
        var offsets = CommittedOffsets(memory: memory)
        var kept: Int32 = 0
        while let record = offsets.commit(at(1), group: "g", topic: "t", partition: kept) {
            offsets.settled([record], areKept: true)
            kept += 1
        }
        #expect(kept > 3 && offsets.count == Int(kept) && offsets.refusedCount == 1)
        #expect(memory.used <= memory.capacity)
        for partition in 0..<kept {
            let record = offsets.commit(at(2), group: "g", topic: "t", partition: partition)
            offsets.settled([try #require(record)], areKept: true)
        }
        let longer = at(3, metadata: String(repeating: "x", count: 400))
        let refused = offsets.commit(longer, group: "g", topic: "t", partition: 0)
        #expect(refused == nil)
        let gone = offsets.removeGroup("g")
        offsets.settled(gone, areKept: true)
        #expect(memory.used == .zero)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `the table is what a plain dictionary would be, whatever the log keeps`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var offsets = CommittedOffsets(memory: memory)
        var model: [String: Int64] = [:]
        var way: [GroupRecord] = []
        for step in 0..<4_000 {
            let partition = Int32(generator.below(5))
            let group = generator.oneIn(2) ? "g" : "h"
            switch generator.below(10) {
            case 0: way += offsets.removeGroup(group)
            case 1:
                offsets.delete(group: group, topic: "t", partition: partition)
                    .map { way.append($0) }
            case 2...5:
                offsets.commit(at(Int64(step)), group: group, topic: "t", partition: partition)
                    .map { way.append($0) }
            default:
                let count = generator.below(way.count + 1)
                let isKept = !generator.oneIn(3)
                offsets.settled(Array(way.prefix(count)), areKept: isKept)
                if isKept { way.prefix(count).forEach { apply($0, to: &model) } }
                way.removeFirst(count)
            }
            for group in ["g", "h"] {
                for partition in Int32(0)..<5 {
                    let found = offsets.committed(group: group, topic: "t", partition: partition)
                    #expect(found?.offset.rawValue == model["\(group)\(partition)"], "seed \(seed)")
                }
            }
        }
        #expect(offsets.count == model.count)
        offsets.settled(way, areKept: false)
        offsets.settled(offsets.removeGroup("g") + offsets.removeGroup("h"), areKept: true)
        #expect(offsets.count == 0 && memory.used == .zero, "seed \(seed)")
    }

    private func apply(_ record: GroupRecord, to model: inout [String: Int64]) {
        switch record {
        case .offset(let group, _, let partition, let offset):
            model["\(group)\(partition)"] = offset.offset.rawValue
        case .offsetGone(let group, _, let partition): model["\(group)\(partition)"] = nil
        case .group, .groupGone, .other: break
        }
    }
}
