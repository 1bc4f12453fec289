import BrokerModel
import KafkaServer
import KafkaWire
import Testing

@Suite struct IntroductionTests {
    private func apiVersions(
        _ client: TestClient,
        _ version: Int16,
        software: String = "test"
    ) throws -> ApiVersionsResponse {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = software
        request.clientSoftwareVersion = "1.0"
        let id = try client.send(.apiVersions, version) {
            request.write(to: &$0, version: version)
        }
        return try client.receive(.apiVersions, version, id) {
            try ApiVersionsResponse(reading: &$0, version: version)
        }
    }

    /// Key, least and newest version.
    private static let served: [(Int16, Int16, Int16)] = [
        (0, 0, 13), (1, 4, 18), (2, 1, 11), (3, 0, 13), (8, 2, 10), (9, 1, 10), (10, 0, 6),
        (11, 0, 9), (12, 0, 4), (13, 0, 5), (14, 0, 5), (15, 0, 6), (16, 0, 5), (18, 0, 4),
        (19, 2, 7), (20, 1, 6), (21, 0, 2), (22, 0, 5), (23, 2, 4), (29, 1, 3), (30, 1, 3),
        (31, 1, 3), (32, 1, 4), (33, 0, 2), (34, 1, 2), (35, 1, 5), (37, 0, 3), (42, 0, 2),
        (43, 0, 2), (44, 0, 1), (45, 0, 1), (46, 0, 0), (47, 0, 0), (60, 0, 2), (61, 0, 0),
        (74, 0, 1), (75, 0, 0),
    ]

    @Test(arguments: 0...4 as ClosedRange<Int16>)
    func `ApiVersions lists what is served and nothing else`(version: Int16) throws {
        let broker = try TestBroker()
        let response = try apiVersions(try broker.connect(), version)
        #expect(response.errorCode == .none)
        #expect(
            response.apis
                == Self.served.map { ServedAPI(key: $0, versionMin: $1, versionMax: $2) }
        )
    }

    @Test func `a version of ApiVersions that we do not know is answered in version 0`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let id = try client.send(.apiVersions, 5) { $0.writeBytes([1, 2, 3]) }
        let response = try client.receive(.apiVersions, 0, id) {
            try ApiVersionsResponse(reading: &$0, version: 0)
        }
        #expect(response.errorCode == .unsupportedVersion)
        #expect(response.apis.contains(ServedAPI(key: 18, versionMin: 0, versionMax: 4)))
        #expect(try apiVersions(client, 4).errorCode == .none)
    }

    @Test(arguments: ["", "-x", "x.", "a b", "ümlaut"])
    func `software names outside of Kafka's rule are refused by name`(name: String) throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        #expect(try apiVersions(client, 3, software: name).errorCode == .invalidRequest)
        #expect(try apiVersions(client, 3, software: "kafka-python.3").errorCode == .none)
    }

    @Test(arguments: 0...13 as ClosedRange<Int16>)
    func `Metadata names this one broker and all topics`(version: Int16) throws {
        let broker = try TestBroker(["a": 1, "b": 2])
        let client = try broker.connect()
        let response = try client.metadata(MetadataRequest(topics: nil), version)
        let identity = TestBroker.identity
        let node = MetadataResponse.Broker(id: 7, host: "box.example", port: 9_092)
        #expect(response.brokers == [node])
        #expect(response.clusterID == (version >= 2 ? identity.clusterID.description : nil))
        #expect(response.controllerID == (version >= 1 ? 7 : -1))
        #expect(response.topics.map(\.name) == ["a", "b"])
        #expect(response.topics.map(\.partitions.count) == [1, 2])
        let topic = try #require(response.topics.last)
        #expect(topic.errorCode == .none)
        #expect(try topic.id == (version >= 10 ? broker.topicID("b") : .zero))
        let epoch: LeaderEpoch = version >= 7 ? .zero : .none
        #expect(
            topic.partitions.last
                == .init(index: 1, leaderID: 7, leaderEpoch: epoch, replicas: [7])
        )
    }

    @Test func `topics asked for by name are found, unknown or impossible`() throws {
        let broker = try TestBroker(["a": 1])
        let client = try broker.connect()
        let names = ["a", "nobody", "no spaces", ""]
        let request = MetadataRequest(topics: names.map { .init(name: $0) })
        let response = try client.metadata(request, 8)
        #expect(
            response.topics.map(\.errorCode) == [
                .none, .unknownTopicOrPartition, .invalidTopic, .invalidTopic,
            ]
        )
        #expect(response.topics.map(\.name) == names)
        #expect(try client.metadata(MetadataRequest(topics: []), 8).topics.isEmpty)
        // Asking does not create.
        #expect(try client.metadata(MetadataRequest(topics: nil), 8).topics.count == 1)
    }

    @Test func `topics are found by id from version 12 on`() throws {
        let broker = try TestBroker(["a": 1])
        let client = try broker.connect()
        let stranger = UUIDBytes(high: 9, low: 9)
        let known = try broker.topicID("a")
        let request = MetadataRequest(
            topics: [.init(name: nil, id: known), .init(name: nil, id: stranger)]
        )
        let response = try client.metadata(request, 12)
        #expect(response.topics.map(\.errorCode) == [.none, .unknownTopicID])
        #expect(response.topics.map(\.name) == ["a", nil])
        #expect(response.topics.map(\.id) == [known, stranger])
        let early = try client.metadata(request, 10)
        #expect(early.topics.map(\.errorCode) == [.invalidRequest, .invalidRequest])
    }

    @Test func `authorized operations are told to who asks for them`() throws {
        let broker = try TestBroker(["a": 1])
        let client = try broker.connect()
        var request = MetadataRequest(topics: nil)
        let silent = try client.metadata(request, 8)
        #expect(silent.clusterOperations == MetadataResponse.operationsUnknown)
        #expect(silent.topics.first?.operations == MetadataResponse.operationsUnknown)
        request.wantsClusterOperations = true
        request.wantsTopicOperations = true
        let told = try client.metadata(request, 8)
        // What Kafka says without an authorizer: all that there is to do.
        #expect(told.clusterOperations == 8_096)
        #expect(told.topics.first?.operations == 3_576)
    }

    @Test func `a topic is there as soon as the catalog has it`() throws {
        let broker = try TestBroker(["a": 1])
        let client = try broker.connect()
        #expect(try client.metadata(MetadataRequest(topics: nil), 9).topics.count == 1)
        try broker.addTopic("b", partitions: 3)
        let response = try client.metadata(MetadataRequest(topics: nil), 9)
        #expect(response.topics.last?.partitions.map(\.index) == [0, 1, 2])
    }
}
