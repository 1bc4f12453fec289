import BrokerModel
import KafkaWire
import Testing

@Suite struct FetchRequestTests {
    private static let idHex = "0000000000000001 0000000000000002"
    private static let limits = "000001f4 00000001 00100000 01"  // wait, min, max, isolation
    private static let session = "00000000 ffffffff"
    private static let offset = "000000000000002a"
    private static let noOffset = "ffffffffffffffff"

    @Test(
        arguments: [
            (4, "ffffffff \(limits) 00000001 0001 74 00000001 00000003 \(offset) 00001000"),
            (
                5,
                """
                ffffffff \(limits) 00000001 0001 74 00000001 00000003 \(offset) \(noOffset) 00001000
                """
            ),
            (
                7,
                """
                ffffffff \(limits) \(session) 00000001 0001 74 00000001
                00000003 \(offset) \(noOffset) 00001000
                00000000
                """
            ),
            (
                9,
                """
                ffffffff \(limits) \(session) 00000001 0001 74 00000001
                00000003 00000006 \(offset) \(noOffset) 00001000
                00000000
                """
            ),
            (
                11,
                """
                ffffffff \(limits) \(session) 00000001 0001 74 00000001
                00000003 00000006 \(offset) \(noOffset) 00001000
                00000000 0001 72
                """
            ),
            (
                12,
                """
                ffffffff \(limits) \(session) 02 02 74 02
                00000003 00000006 \(offset) ffffffff \(noOffset) 00001000 00 00
                01 02 72 00
                """
            ),
            (
                13,
                """
                ffffffff \(limits) \(session) 02 \(idHex) 02
                00000003 00000006 \(offset) ffffffff \(noOffset) 00001000 00 00
                01 02 72 00
                """
            ),
            (
                15,
                """
                \(limits) \(session) 02 \(idHex) 02
                00000003 00000006 \(offset) ffffffff \(noOffset) 00001000 00 00
                01 02 72 00
                """
            ),
            (
                18,
                """
                \(limits) \(session) 02 \(idHex) 02
                00000003 00000006 \(offset) ffffffff \(noOffset) 00001000 00 00
                01 02 72 00
                """
            ),
        ] as [(Int16, String)]
    )
    func `a consumer's request is read and written to the byte`(
        version: Int16,
        text: String
    ) throws {
        let request = try readAll(hex(text)) {
            try FetchRequest(reading: &$0, version: version)
        }
        var partition = FetchRequest.Partition(index: 3, fetchOffset: Offset(42), bytesMax: 4096)
        partition.currentLeaderEpoch = version >= 9 ? LeaderEpoch(6) : .none
        let id = UUIDBytes(high: 1, low: 2)
        let topic =
            version <= 12
            ? FetchRequest.Topic(name: "t", partitions: [partition])
            : FetchRequest.Topic(id: id, partitions: [partition])
        var expected = FetchRequest(topics: [topic], waitMillisecondsMax: 500, bytesMin: 1)
        expected.bytesMax = 1 << 20
        expected.isolationLevel = .readCommitted
        expected.rackID = version >= 11 ? "r" : ""
        #expect(request == expected)
        #expect(written { request.write(to: &$0, version: version) } == hex(text))
    }

    @Test func `what only replicas say travels in tagged fields`() throws {
        let text = """
            \(Self.limits) \(Self.session) 02 \(Self.idHex) 02
            00000003 00000006 \(Self.offset) ffffffff \(Self.noOffset) 00001000
            02 00 10 \(Self.idHex) 01 08 0000000000000007 00
            01 01
            02 00 02 02 63 01 0d 00000002 0000000000000009 00
            """
        let request = try readAll(hex(text)) { try FetchRequest(reading: &$0, version: 18) }
        let partition = try #require(request.topics.first?.partitions.first)
        #expect(partition.replicaDirectoryID == UUIDBytes(high: 1, low: 2))
        #expect(partition.replicaHighWatermark == Offset(7))
        #expect(request.clusterID == "c")
        #expect(request.replicaID == 2)
        #expect(request.replicaEpoch == 9)
        #expect(written { request.write(to: &$0, version: 18) } == hex(text))
    }

    @Test func `forgotten topics are named up to version 12 and given by id later`() throws {
        let named = hex(
            "ffffffff \(Self.limits) \(Self.session) 00000000 00000001 0001 74 00000001 00000002"
        )
        let byName = try readAll(named) { try FetchRequest(reading: &$0, version: 7) }
        #expect(byName.forgottenTopics == [.init(name: "t", partitions: [2])])
        #expect(written { byName.write(to: &$0, version: 7) } == named)

        let identified = hex(
            "\(Self.limits) \(Self.session) 01 02 \(Self.idHex) 02 00000002 00 01 00"
        )
        let byID = try readAll(identified) { try FetchRequest(reading: &$0, version: 15) }
        let id = UUIDBytes(high: 1, low: 2)
        #expect(byID.forgottenTopics == [.init(id: id, partitions: [2])])
        #expect(written { byID.write(to: &$0, version: 15) } == identified)
    }
}
