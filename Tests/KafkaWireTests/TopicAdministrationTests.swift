import BrokerModel
import KafkaWire
import Testing

@Suite struct TopicAdministrationTests {
    private let id = UUIDBytes(high: 1, low: 2)

    @Test(
        arguments: [
            (
                2,
                """
                00000001 0001 74 00000003 0001 00000001 00000000 00000001 00000007
                00000001 0001 6b 0001 76  0000ea60 01
                """
            ),
            (
                5,
                """
                02 02 74 00000003 0001 02 00000000 02 00000007 00
                02 02 6b 02 76 00 00  0000ea60 01 00
                """
            ),
        ] as [(Int16, String)]
    )
    func `a creation is read and written to the byte`(version: Int16, text: String) throws {
        let request = try readAll(hex(text)) {
            try CreateTopicsRequest(reading: &$0, version: version)
        }
        var topic = CreateTopicsRequest.Topic(name: "t")
        topic.partitionCount = 3
        topic.replicationFactor = 1
        topic.assignments = [.init(partition: 0, brokers: [7])]
        topic.settings = [.init(name: "k", value: "v")]
        var expected = CreateTopicsRequest(topics: [topic], timeoutMilliseconds: 60_000)
        expected.validatesOnly = true
        #expect(request == expected)
        #expect(written { request.write(to: &$0, version: version) } == hex(text))
    }

    @Test(arguments: 2...7 as ClosedRange<Int16>)
    func `what a creation became is read as it was written`(version: Int16) throws {
        var made = CreateTopicsResponse.Topic(name: "t")
        if version >= 7 { made.id = id }
        if version >= 5 {
            made.partitionCount = 3
            made.replicationFactor = 1
            made.settings = [.init(name: "k", value: "v", source: .topic)]
        }
        var refused = CreateTopicsResponse.Topic(name: "u")
        refused.errorCode = .topicAlreadyExists
        refused.errorMessage = "it is there"
        if version >= 5 { refused.settingsErrorCode = .topicAuthorizationFailed }
        var response = CreateTopicsResponse(topics: [made, refused])
        response.throttleMilliseconds = 4
        let bytes = written { response.write(to: &$0, version: version) }
        let read = try readAll(bytes) { try CreateTopicsResponse(reading: &$0, version: version) }
        #expect(read == response)
    }

    @Test(
        arguments: [
            (1, "00000001 0001 74 00000005"), (4, "02 02 74 00000005 00"),
            (6, "02 02 74 0000000000000001 0000000000000002 00 00000005 00"),
        ] as [(Int16, String)]
    )
    func `a deletion is read and written to the byte`(version: Int16, text: String) throws {
        let request = try readAll(hex(text)) {
            try DeleteTopicsRequest(reading: &$0, version: version)
        }
        let topic = DeleteTopicsRequest.Topic(name: "t", id: version >= 6 ? id : .zero)
        #expect(request == DeleteTopicsRequest(topics: [topic], timeoutMilliseconds: 5))
        #expect(written { request.write(to: &$0, version: version) } == hex(text))
    }

    @Test(arguments: 1...6 as ClosedRange<Int16>)
    func `what a deletion became is read as it was written`(version: Int16) throws {
        var gone = DeleteTopicsResponse.Topic(name: "t")
        var unknown = DeleteTopicsResponse.Topic(name: version >= 6 ? nil : "u")
        if version >= 6 { gone.id = id }
        unknown.errorCode = .unknownTopicID
        if version >= 5 { unknown.errorMessage = "never heard of" }
        let response = DeleteTopicsResponse(topics: [gone, unknown])
        let bytes = written { response.write(to: &$0, version: version) }
        let read = try readAll(bytes) { try DeleteTopicsResponse(reading: &$0, version: version) }
        #expect(read == response)
    }

    @Test(arguments: 1...4 as ClosedRange<Int16>)
    func `a description of settings is read as it was written`(version: Int16) throws {
        var request = DescribeConfigsRequest(resources: [
            .init(type: .topic, name: "t", keys: ["a", "b"]), .init(type: .broker, name: "1"),
        ])
        request.wantsSynonyms = true
        request.wantsDocumentation = version >= 3
        let asked = written { request.write(to: &$0, version: version) }
        #expect(
            try readAll(asked) { try DescribeConfigsRequest(reading: &$0, version: version) }
                == request
        )
        var entry = ConfigEntry(name: "retention.ms", value: "5", source: .topic)
        entry.synonyms = [.init(name: "log.retention.ms", value: nil, source: .byDefault)]
        if version >= 3 {
            entry.type = .long
            entry.documentation = "how long"
        }
        var result = DescribeConfigsResponse.Result(type: .topic, name: "t")
        result.entries = [entry]
        let response = DescribeConfigsResponse(results: [result])
        let told = written { response.write(to: &$0, version: version) }
        #expect(
            try readAll(told) { try DescribeConfigsResponse(reading: &$0, version: version) }
                == response
        )
    }

    @Test func `a name longer than two bytes of length can say is refused`() {
        let name = [UInt8](repeating: 0x74, count: KafkaWireLimits.stringBytesMax + 1)
        // A compact length, 32,769, and the name, in an array of one topic with its id.
        let bytes = hex("02 0000000000000000 0000000000000000 818002") + name + hex("00 01 00 00")
        let error = refusal(bytes) { (reader) throws(KafkaWireError) in
            try MetadataRequest(reading: &reader, version: 12)
        }
        #expect(error == .stringTooLong(name.count))
    }
}
