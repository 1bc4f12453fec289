import BrokerModel
import Foundation
import HeadwaterTesting
import KafkaSessions
import Testing

@Suite struct GroupRecordTests {
    /// Kind, hexadecimal key, hexadecimal value (`-`: a tombstone), and what it means.
    struct Vector: CustomStringConvertible, Sendable {
        let name: String
        let key: [UInt8]
        let value: [UInt8]?
        /// Whether we write the same bytes.
        let isOurs: Bool
        var description: String { name }
    }

    static let vectors: [Vector] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "vectors/group-records.tsv")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            let fields = line.split(separator: "\t").map(String.init)
            guard fields.count == 4 else { return nil }
            return Vector(
                name: fields[0],
                key: bytes(fields[2]),
                value: fields[3] == "-" ? nil : bytes(fields[3]),
                isOurs: fields[1] == "written"
            )
        }
    }()

    private static let topicID = UUIDBytes(high: 0x28f6_c8d9_b15c_450b, low: 0x9182_a901_7f6d_9d82)

    private static let member = GroupSnapshot.Member(
        memberID: "m-1",
        instanceID: "i",
        clientID: "c",
        clientHost: "/127.0.0.1",
        rebalanceTimeout: 300_000,
        sessionTimeout: 45_000,
        subscription: [0, 3],
        assignment: [0, 1, 2]
    )

    private static let meanings: [String: GroupRecord] = [
        "offset-0": .offset(group: "g", topic: "t", partition: 1, at(20)),
        "offset-1": .offset(
            group: "g",
            topic: "t",
            partition: 1,
            at(20, expires: Timestamp(milliseconds: 2_000))
        ),
        "offset-1-never": .offset(group: "g", topic: "t", partition: 1, at(20)),
        "offset-2": .offset(group: "g", topic: "t", partition: 1, at(20)),
        "offset-3": .offset(group: "g", topic: "t", partition: 1, at(20, epoch: 4)),
        "offset-4": .offset(
            group: "g",
            topic: "t",
            partition: 1,
            at(20, epoch: 4, topicID: topicID)
        ),
        "offset-4-untagged": .offset(group: "g", topic: "t", partition: 1, at(20, epoch: 4)),
        "offset-4-more-tags": .offset(
            group: "g",
            topic: "t",
            partition: 1,
            at(20, epoch: 4, topicID: topicID)
        ),
        "offset-key-0": .offset(group: "g", topic: "t", partition: 1, at(20, epoch: 4)),
        "offset-gone": .offsetGone(group: "g", topic: "t", partition: 1),
        "group-gone": .groupGone("g"),
        "group-0": .group(snapshot(time: .none, instance: nil, rebalance: 45_000)),
        "group-1": .group(snapshot(time: .none, instance: nil)),
        "group-2": .group(snapshot(instance: nil)),
        "group-3": .group(snapshot()),
        "group-3-empty": .group(
            GroupSnapshot(
                groupID: "g",
                generation: 2,
                stateTimestamp: Timestamp(milliseconds: 1_000)
            )
        ),
        "group-4": .group(snapshot()),
        "consumer-group": .other,
        "share-group": .other,
    ]

    private static func at(
        _ offset: Int64,
        epoch: Int32 = -1,
        expires: Timestamp? = nil,
        topicID: UUIDBytes? = nil
    ) -> CommittedOffset {
        CommittedOffset(
            offset: Offset(offset),
            leaderEpoch: LeaderEpoch(epoch),
            metadata: "md",
            commitTimestamp: Timestamp(milliseconds: 1_000),
            expireTimestamp: expires,
            topicID: topicID
        )
    }

    private static func snapshot(
        time: Timestamp = Timestamp(milliseconds: 1_000),
        instance: String? = "i",
        rebalance: Int32 = 300_000
    ) -> GroupSnapshot {
        var member = member
        member.instanceID = instance
        member.rebalanceTimeout = rebalance
        return GroupSnapshot(
            groupID: "g",
            protocolType: "consumer",
            generation: 7,
            protocolName: "range",
            leader: "m-1",
            stateTimestamp: time,
            members: [member]
        )
    }

    @Test func `there is a vector for each meaning`() {
        #expect(Set(Self.vectors.map(\.name)) == Set(Self.meanings.keys))
    }

    @Test(arguments: vectors)
    func `every version of a record reads as what it says`(vector: Vector) throws {
        #expect(try read(vector.key, vector.value) == Self.meanings[vector.name])
    }

    @Test(arguments: vectors.filter(\.isOurs))
    func `what we write is what Kafka writes`(vector: Vector) throws {
        let record = try #require(Self.meanings[vector.name])
        let (key, value) = written(record)
        #expect(key == vector.key)
        #expect(value == vector.value)
    }

    @Test(arguments: vectors.filter { $0.name != "consumer-group" && $0.name != "share-group" })
    func `a record that ends early is an error at every length`(vector: Vector) {
        for length in vector.key.indices {
            #expect(throws: GroupRecordError.self) {
                try read([UInt8](vector.key[..<length]), vector.value)
            }
        }
        for length in vector.value?.indices ?? [].indices {
            #expect(throws: GroupRecordError.self) {
                try read(vector.key, vector.value.map { [UInt8]($0[..<length]) })
            }
        }
    }

    @Test func `a version that is not known is an error, and one more byte too`() throws {
        let vector = try #require(Self.vectors.first { $0.name == "offset-3" })
        var value = try #require(vector.value)
        #expect(throws: GroupRecordError.bytesAfterEnd) { try read(vector.key, value + [0]) }
        value[1] = 5
        #expect(throws: GroupRecordError.valueVersionUnknown(5)) { try read(vector.key, value) }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `no bytes trap`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            let vector = Self.vectors[generator.below(Self.vectors.count)]
            var key = vector.key
            var value = vector.value ?? []
            for _ in 0...generator.below(4) {
                if generator.oneIn(3) {
                    key[generator.below(key.count)] = UInt8(generator.below(256))
                } else if !value.isEmpty {
                    value[generator.below(value.count)] = UInt8(generator.below(256))
                }
            }
            _ = try? read(key, value)
        }
    }
}

private func bytes(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map {
        UInt8(digits[$0] << 4 | digits[$0 + 1])
    }
}

private func read(_ key: [UInt8], _ value: [UInt8]?) throws -> GroupRecord {
    try key.withUnsafeBytes { key in
        guard let value else { return try GroupRecord(key: key, value: nil) }
        return try value.withUnsafeBytes { try GroupRecord(key: key, value: $0) }
    }
}

private func written(_ record: GroupRecord) -> (key: [UInt8], value: [UInt8]?) {
    var key = ByteWriter()
    var value = ByteWriter()
    let hasValue = record.write(key: &key, value: &value)
    return ([UInt8](key.bytes), hasValue ? [UInt8](value.bytes) : nil)
}
