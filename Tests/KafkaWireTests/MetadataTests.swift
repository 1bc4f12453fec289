import BrokerModel
import KafkaWire
import Testing

@Suite struct MetadataTests {
    private let id = UUIDBytes(high: 1, low: 2)
    private static let idHex = "0000000000000001 0000000000000002"

    @Test(
        arguments: [
            (0, "00000001 0001 74"),
            (1, "00000001 0001 74"),
            (4, "00000001 0001 74 00"),
            (8, "00000001 0001 74 00 01 01"),
            (9, "02 02 74 00 00 01 01 00"),
            (10, "02 \(idHex) 02 74 00 00 01 01 00"),
            (11, "02 \(idHex) 02 74 00 00 01 00"),
            (13, "02 \(idHex) 02 74 00 00 01 00"),
        ] as [(Int16, String)]
    )
    func `a request is read and written to the byte`(version: Int16, text: String) throws {
        let request = try readAll(hex(text)) {
            try MetadataRequest(reading: &$0, version: version)
        }
        #expect(request.topics == [.init(name: "t", id: version >= 10 ? id : .zero)])
        #expect(request.allowsTopicCreation == (version < 4))
        #expect(request.wantsClusterOperations == (8...10).contains(version))
        #expect(request.wantsTopicOperations == (version >= 8))
        #expect(written { request.write(to: &$0, version: version) } == hex(text))
    }

    @Test(
        arguments: [
            (0, "00000000"), (1, "ffffffff"), (4, "ffffffff 01"), (9, "00 01 00 00 00"),
            (12, "00 01 00 00"),
        ] as [(Int16, String)]
    )
    func `all topics are an empty array in version 0 and null later`(
        version: Int16,
        text: String
    ) throws {
        let request = try readAll(hex(text)) {
            try MetadataRequest(reading: &$0, version: version)
        }
        #expect(request.topics == nil)
        #expect(written { request.write(to: &$0, version: version) } == hex(text))
    }

    @Test func `an empty array asks for no topic from version 1 on`() throws {
        let request = try readAll(hex("00000000")) {
            try MetadataRequest(reading: &$0, version: 1)
        }
        #expect(request.topics == [])
    }

    @Test func `a topic is asked for by id alone`() throws {
        let bytes = hex("02 \(Self.idHex) 00 00 00 00 00")
        let request = try readAll(bytes) { try MetadataRequest(reading: &$0, version: 12) }
        #expect(request.topics == [.init(name: nil, id: id)])
        #expect(written { request.write(to: &$0, version: 12) } == bytes)
    }

    @Test(
        arguments: [
            (
                0,
                """
                00000001 00000001 0001 68 00002384
                00000001 0000 0001 74
                00000001 0000 00000005 00000001 00000001 00000001 00000001 00000001
                """
            ),
            (
                1,
                """
                00000001 00000001 0001 68 00002384 ffff  00000001
                00000001 0000 0001 74 01
                00000001 0000 00000005 00000001 00000001 00000001 00000001 00000001
                """
            ),
            (
                2,
                """
                00000001 00000001 0001 68 00002384 ffff  0001 63 00000001
                00000001 0000 0001 74 01
                00000001 0000 00000005 00000001 00000001 00000001 00000001 00000001
                """
            ),
            (
                3,
                """
                00000000 00000001 00000001 0001 68 00002384 ffff  0001 63 00000001
                00000001 0000 0001 74 01
                00000001 0000 00000005 00000001 00000001 00000001 00000001 00000001
                """
            ),
            (
                5,
                """
                00000000 00000001 00000001 0001 68 00002384 ffff  0001 63 00000001
                00000001 0000 0001 74 01
                00000001 0000 00000005 00000001 00000001 00000001 00000001 00000001 00000000
                """
            ),
            (
                7,
                """
                00000000 00000001 00000001 0001 68 00002384 ffff  0001 63 00000001
                00000001 0000 0001 74 01
                00000001 0000 00000005 00000001 00000004 00000001 00000001 00000001 00000001
                00000000
                """
            ),
            (
                8,
                """
                00000000 00000001 00000001 0001 68 00002384 ffff  0001 63 00000001
                00000001 0000 0001 74 01
                00000001 0000 00000005 00000001 00000004 00000001 00000001 00000001 00000001
                00000000 80000000  80000000
                """
            ),
            (
                9,
                """
                00000000 02 00000001 02 68 00002384 00 00  02 63 00000001
                02 0000 02 74 01
                02 0000 00000005 00000001 00000004 02 00000001 02 00000001 01 00
                80000000 00  80000000 00
                """
            ),
            (
                10,
                """
                00000000 02 00000001 02 68 00002384 00 00  02 63 00000001
                02 0000 02 74 \(idHex) 01
                02 0000 00000005 00000001 00000004 02 00000001 02 00000001 01 00
                80000000 00  80000000 00
                """
            ),
            (
                12,
                """
                00000000 02 00000001 02 68 00002384 00 00  02 63 00000001
                02 0000 02 74 \(idHex) 01
                02 0000 00000005 00000001 00000004 02 00000001 02 00000001 01 00
                80000000 00  00
                """
            ),
            (
                13,
                """
                00000000 02 00000001 02 68 00002384 00 00  02 63 00000001
                02 0000 02 74 \(idHex) 01
                02 0000 00000005 00000001 00000004 02 00000001 02 00000001 01 00
                80000000 00  0000 00
                """
            ),
        ] as [(Int16, String)]
    )
    func `a response is read and written to the byte`(version: Int16, text: String) throws {
        let response = try readAll(hex(text)) {
            try MetadataResponse(reading: &$0, version: version)
        }
        var expected = MetadataResponse()
        expected.brokers = [.init(id: 1, host: "h", port: 9092)]
        expected.clusterID = version >= 2 ? "c" : nil
        expected.controllerID = version >= 1 ? 1 : -1
        var topic = MetadataResponse.Topic(name: "t")
        topic.id = version >= 10 ? id : .zero
        topic.isInternal = version >= 1
        let epoch: LeaderEpoch = version >= 7 ? LeaderEpoch(4) : .none
        topic.partitions = [.init(index: 5, leaderID: 1, leaderEpoch: epoch, replicas: [1])]
        expected.topics = [topic]
        #expect(response == expected)
        #expect(written { response.write(to: &$0, version: version) } == hex(text))
    }

    @Test func `a count larger than the frame is refused before memory is taken`() {
        let error = refusal(hex("7fffffff 0001 74")) { (reader) throws(KafkaWireError) in
            try MetadataRequest(reading: &reader, version: 1)
        }
        #expect(error == .tooManyElements(0x7fff_ffff))
    }

    @Test func `names that are not UTF-8, null or negative are refused`() {
        func error(_ text: String, _ version: Int16) -> KafkaWireError? {
            refusal(hex(text)) { (reader) throws(KafkaWireError) in
                try MetadataRequest(reading: &reader, version: version)
            }
        }
        #expect(error("00000001 0001 ff", 1) == .invalidUTF8)
        #expect(error("00000001 ffff", 1) == .unexpectedNull)
        #expect(error("00000001 fffe", 1) == .negativeLength(-2))
        #expect(error("fffffffe", 1) == .negativeLength(-2))
        #expect(error("ffffffff ff", 1) == nil)
        #expect(error("02 ffffffffffff", 9) == .varintTooLong)
        #expect(error("00000001 0009 74", 1) == .truncated)
    }
}
