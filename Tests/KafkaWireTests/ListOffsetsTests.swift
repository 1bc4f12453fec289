import BrokerModel
import KafkaWire
import Testing

@Suite struct ListOffsetsTests {
    @Test(
        arguments: [
            (1, "ffffffff 00000001 0001 74 00000001 00000002 fffffffffffffffe"),
            (2, "ffffffff 01 00000001 0001 74 00000001 00000002 fffffffffffffffe"),
            (4, "ffffffff 01 00000001 0001 74 00000001 00000002 00000003 fffffffffffffffe"),
            (6, "ffffffff 01 02 02 74 02 00000002 00000003 fffffffffffffffe 00 00 00"),
            (9, "ffffffff 01 02 02 74 02 00000002 00000003 fffffffffffffffe 00 00 00"),
            (10, "ffffffff 01 02 02 74 02 00000002 00000003 fffffffffffffffe 00 00 00000009 00"),
            (11, "ffffffff 01 02 02 74 02 00000002 00000003 fffffffffffffffe 00 00 00000009 00"),
        ] as [(Int16, String)]
    )
    func `a request is read and written to the byte`(version: Int16, text: String) throws {
        let request = try readAll(hex(text)) {
            try ListOffsetsRequest(reading: &$0, version: version)
        }
        let epoch: LeaderEpoch = version >= 4 ? LeaderEpoch(3) : .none
        let partition = ListOffsetsRequest.Partition(
            index: 2,
            timestamp: ListOffsetsPlace.earliest,
            currentLeaderEpoch: epoch
        )
        var expected = ListOffsetsRequest(topics: [.init(name: "t", partitions: [partition])])
        expected.isolationLevel = version >= 2 ? .readCommitted : .readUncommitted
        expected.timeoutMilliseconds = version >= 10 ? 9 : 0
        #expect(request == expected)
        #expect(written { request.write(to: &$0, version: version) } == hex(text))
    }

    @Test(
        arguments: [
            (1, "00000001 0001 74 00000001 00000002 0001 0000000000000003 0000000000000004"),
            (
                2,
                "00000009 00000001 0001 74 00000001 00000002 0001 0000000000000003 0000000000000004"
            ),
            (
                4,
                """
                00000009 00000001 0001 74 00000001 00000002 0001
                0000000000000003 0000000000000004 00000005
                """
            ),
            (
                6,
                """
                00000009 02 02 74 02 00000002 0001
                0000000000000003 0000000000000004 00000005 00 00 00
                """
            ),
            (
                11,
                """
                00000009 02 02 74 02 00000002 0001
                0000000000000003 0000000000000004 00000005 00 00 00
                """
            ),
        ] as [(Int16, String)]
    )
    func `a response is read and written to the byte`(version: Int16, text: String) throws {
        let response = try readAll(hex(text)) {
            try ListOffsetsResponse(reading: &$0, version: version)
        }
        var partition = ListOffsetsResponse.Partition(index: 2)
        partition.errorCode = .offsetOutOfRange
        partition.timestamp = Timestamp(milliseconds: 3)
        partition.offset = Offset(4)
        partition.leaderEpoch = version >= 4 ? LeaderEpoch(5) : .none
        var expected = ListOffsetsResponse(topics: [.init(name: "t", partitions: [partition])])
        expected.throttleMilliseconds = version >= 2 ? 9 : 0
        #expect(response == expected)
        #expect(written { response.write(to: &$0, version: version) } == hex(text))
    }

    @Test func `version 0 left the protocol with Kafka 4`() {
        let error = refusal([]) { (reader) throws(KafkaWireError) in
            try ListOffsetsRequest(reading: &reader, version: 0)
        }
        #expect(error == .unsupportedVersion(api: 2, version: 0))
    }
}
