import BrokerModel
import CommitLog
import KafkaServer
import KafkaWire
import Partitions
import Testing

@Suite struct TopicRequestTests {
    private func create(
        _ client: TestClient,
        _ topics: [CreateTopicsRequest.Topic],
        validatesOnly: Bool = false,
        timeout: Int32 = 10_000,
        _ version: Int16 = 7
    ) throws -> [CreateTopicsResponse.Topic] {
        var request = CreateTopicsRequest(topics: topics, timeoutMilliseconds: timeout)
        request.validatesOnly = validatesOnly
        let id = try client.send(.createTopics, version) {
            request.write(to: &$0, version: version)
        }
        return try client.receive(.createTopics, version, id) {
            try CreateTopicsResponse(reading: &$0, version: version).topics
        }
    }

    private func delete(
        _ client: TestClient,
        _ topics: [DeleteTopicsRequest.Topic],
        _ version: Int16 = 6
    ) throws -> [DeleteTopicsResponse.Topic] {
        let request = DeleteTopicsRequest(topics: topics, timeoutMilliseconds: 10_000)
        let id = try client.send(.deleteTopics, version) {
            request.write(to: &$0, version: version)
        }
        return try client.receive(.deleteTopics, version, id) {
            try DeleteTopicsResponse(reading: &$0, version: version).topics
        }
    }

    private func topic(
        _ name: String,
        partitions: Int32 = -1,
        replicas: Int16 = -1,
        _ settings: [String: String?] = [:]
    ) -> CreateTopicsRequest.Topic {
        var topic = CreateTopicsRequest.Topic(name: name)
        topic.partitionCount = partitions
        topic.replicationFactor = replicas
        topic.settings = settings.map { .init(name: $0.key, value: $0.value) }
        return topic
    }

    @Test(arguments: 2...7 as ClosedRange<Int16>)
    func `a topic is made, written, and deleted`(version: Int16) throws {
        let broker = try ProducingBroker([:])
        let client = try broker.connect()
        let wanted = topic("new", partitions: 2, replicas: 1, ["retention.ms": "5000"])
        let made = try #require(try create(client, [wanted], version).first)
        #expect(made.errorCode == .none)
        if version >= 5 {
            #expect(made.partitionCount == 2 && made.replicationFactor == 1)
            let retention = made.settings?.first { $0.name == "retention.ms" }
            #expect(retention?.value == "5000" && retention?.source == .topic)
        }
        if version >= 7 { #expect(try made.id == broker.topicID("new")) }
        #expect(
            try client.produce(try ProducerBatch.make(), to: "new", partition: 1).errorCode == .none
        )
        let gone = try #require(try delete(client, [.init(name: "new")], min(version, 6)).first)
        #expect(gone.errorCode == .none)
        #expect(
            try client.produce(try ProducerBatch.make(), to: "new").errorCode
                == .unknownTopicOrPartition
        )
        #expect(broker.counters.topicsCreated.count == 1)
        #expect(broker.counters.topicsDeleted.count == 1)
    }

    @Test func `what cannot be made is refused with Kafka's errors`() throws {
        var creation = TopicCreationSettings()
        creation.partitionsMax = 10
        let broker = try ProducingBroker(creation: creation)
        let client = try broker.connect()
        func code(_ topic: CreateTopicsRequest.Topic) throws -> KafkaErrorCode? {
            let answer = try create(client, [topic]).first
            #expect((answer?.errorMessage ?? "") != "")
            #expect(
                try create(client, [topic], validatesOnly: true).first?.errorCode
                    == answer?.errorCode
            )
            return answer?.errorCode
        }
        #expect(try code(topic("t")) == .topicAlreadyExists)
        #expect(try code(topic("a/b")) == .invalidTopic)
        #expect(try code(topic("..")) == .invalidTopic)
        #expect(try code(topic("__own")) == .invalidTopic)
        #expect(try code(topic("n", partitions: 0)) == .invalidPartitions)
        #expect(try code(topic("n", partitions: -2)) == .invalidPartitions)
        #expect(try code(topic("n", replicas: 0)) == .invalidReplicationFactor)
        #expect(try code(topic("n", replicas: 3)) == .invalidReplicationFactor)
        #expect(try code(topic("n", ["no.such": "1"])) == .invalidConfig)
        #expect(try code(topic("n", ["retention.ms": "soon"])) == .invalidConfig)
        #expect(try code(topic("n", ["retention.ms": nil])) == .invalidConfig)
        #expect(try code(topic("n", partitions: 10)) == .policyViolation)
        var assigned = topic("n")
        assigned.assignments = [.init(partition: 0, brokers: [8])]
        #expect(try code(assigned) == .invalidReplicaAssignment)
        assigned.assignments = [.init(partition: 1, brokers: [7])]
        #expect(try code(assigned) == .invalidReplicaAssignment)
        assigned.partitionCount = 1
        #expect(try code(assigned) == .invalidRequest)
        let twice = try create(client, [topic("n"), topic("n")])
        #expect(twice.map(\.errorCode) == [.invalidRequest, .invalidRequest])
        #expect(broker.catalog.snapshot.topics.count == 1)
    }

    @Test func `an assignment to this broker is as good as a number`() throws {
        let broker = try ProducingBroker([:])
        var assigned = topic("n")
        assigned.assignments = [
            .init(partition: 1, brokers: [7]), .init(partition: 0, brokers: [7]),
        ]
        let made = try create(try broker.connect(), [assigned])
        #expect(made.first?.errorCode == KafkaErrorCode.none)
        #expect(made.first?.partitionCount == 2)
    }

    @Test func `a check changes nothing`() throws {
        let broker = try ProducingBroker([:])
        let client = try broker.connect()
        let checked = try create(client, [topic("n", partitions: 4)], validatesOnly: true)
        #expect(checked.first?.errorCode == KafkaErrorCode.none)
        #expect(checked.first?.partitionCount == 4)
        #expect(checked.first?.id == .zero)
        #expect(broker.catalog.snapshot.topics.isEmpty)
    }

    @Test func `a disk that does not answer in time is told as such`() throws {
        let broker = try ProducingBroker([:], storing: false)
        let client = try broker.connect()
        let made = try create(client, [topic("n"), topic("a/b")], timeout: 20)
        #expect(made.map(\.errorCode) == [.requestTimedOut, .invalidTopic])
        try broker.startStoring()
        broker.expectEventually { broker.catalog.snapshot.topics.count == 1 }
    }

    @Test func `topics are deleted by id, and what is unknown or internal is refused`() throws {
        let broker = try ProducingBroker(["t": .init(), "u": .init(), "__own": .init()])
        let client = try broker.connect()
        let id = try broker.topicID("t")
        let answers = try delete(
            client,
            [
                .init(name: nil, id: id), .init(name: nil, id: UUIDBytes(high: 9, low: 9)),
                .init(name: "nowhere"), .init(name: "__own"), .init(name: "u", id: id),
            ]
        )
        #expect(
            answers.map(\.errorCode) == [
                .none, .unknownTopicID, .unknownTopicOrPartition, .topicAuthorizationFailed,
                .invalidRequest,
            ]
        )
        #expect(answers.first?.name == "t")
        #expect(broker.catalog.snapshot.topics.map(\.name.description) == ["__own", "u"])
    }

    @Test(arguments: [0, 3, 4, 12] as [Int16])
    func `a topic comes into being when somebody asks for it`(version: Int16) throws {
        var creation = TopicCreationSettings()
        creation.partitionCount = 3
        let broker = try ProducingBroker([:], creation: creation)
        let client = try broker.connect()
        let asked = MetadataRequest(topics: [.init(name: "fresh"), .init(name: "a/b")])
        let found = try client.metadata(asked, version).topics
        #expect(found.map(\.errorCode) == [.none, .invalidTopic])
        #expect(found.first?.partitions.count == 3)
        #expect(try client.produce(try ProducerBatch.make(), to: "fresh").errorCode == .none)
    }

    @Test func `no topic comes into being for who does not want it`() throws {
        let broker = try ProducingBroker([:])
        let client = try broker.connect()
        var asked = MetadataRequest(topics: [.init(name: "fresh")])
        asked.allowsTopicCreation = false
        #expect(
            try client.metadata(asked, 9).topics.map(\.errorCode) == [.unknownTopicOrPartition]
        )
        asked = MetadataRequest(topics: [.init(name: "__fresh")])
        #expect(
            try client.metadata(asked, 9).topics.map(\.errorCode) == [.unknownTopicOrPartition]
        )
        #expect(broker.catalog.snapshot.topics.isEmpty)
        var creation = TopicCreationSettings()
        creation.createsOnFirstUse = false
        let strict = try ProducingBroker([:], creation: creation)
        asked = MetadataRequest(topics: [.init(name: "fresh")])
        #expect(
            try strict.connect().metadata(asked, 9).topics.map(\.errorCode)
                == [.unknownTopicOrPartition]
        )
    }

    @Test func `what is set, and where, is told`() throws {
        let broker = try ProducingBroker([
            "t": .init(overrides: ["retention.ms": "5000"]), "__consumer_offsets": .init(),
        ])
        let client = try broker.connect()
        var request = DescribeConfigsRequest(resources: [
            .init(type: .topic, name: "t", keys: ["retention.ms", "segment.bytes"]),
            .init(type: .topic, name: "u"), .init(type: .broker, name: "8"),
            .init(type: .init(rawValue: 9), name: "7"),
            .init(type: .topic, name: "__consumer_offsets", keys: []),
        ])
        request.wantsSynonyms = true
        request.wantsDocumentation = true
        let id = try client.send(.describeConfigs, 4) { request.write(to: &$0, version: 4) }
        let results = try client.receive(.describeConfigs, 4, id) {
            try DescribeConfigsResponse(reading: &$0, version: 4).results
        }
        #expect(
            results.map(\.errorCode)
                == [.none, .unknownTopicOrPartition, .invalidRequest, .invalidRequest, .none]
        )
        #expect(results[4].entries.count > 30)
        let entries = try #require(results.first).entries
        #expect(Set(entries.map(\.name)) == ["retention.ms", "segment.bytes"])
        let retention = try #require(entries.first { $0.name == "retention.ms" })
        #expect(retention.value == "5000" && retention.source == .topic)
        #expect(retention.synonyms.map(\.name) == ["retention.ms", "log.retention.ms"])
        #expect(retention.documentation?.isEmpty == false)
        let segment = try #require(entries.first { $0.name == "segment.bytes" })
        #expect(segment.source == .byDefault)
    }

    @Test func `what is never set here is described as Kafka's tools expect`() throws {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        let wanted: [(ConfigResourceType, String, KafkaErrorCode)] = [
            (.brokerLogger, "7", .none), (.brokerLogger, "", .invalidRequest),
            (.brokerLogger, "8", .invalidRequest), (.group, "g", .none),
            (.group, "", .invalidRequest), (.clientMetrics, "m", .none),
            (.clientMetrics, "", .invalidRequest),
        ]
        let request = DescribeConfigsRequest(
            resources: wanted.map { .init(type: $0.0, name: $0.1) }
        )
        let id = try client.send(.describeConfigs, 4) { request.write(to: &$0, version: 4) }
        let results = try client.receive(.describeConfigs, 4, id) {
            try DescribeConfigsResponse(reading: &$0, version: 4).results
        }
        #expect(results.map(\.errorCode) == wanted.map(\.2))
        let logger = try #require(results.first?.entries.first)
        #expect(logger.name == "root" && logger.value == "INFO" && logger.isReadOnly)
        #expect(logger.source == .brokerLogger)
        #expect(results.dropFirst().allSatisfy { $0.entries.isEmpty })
    }

    @Test func `asking a hundred times for the same brings it once`() throws {
        let broker = try ProducingBroker(["t": .init(partitions: 50)])
        let client = try broker.connect()
        let id = try broker.topicID("t")
        let names = (0..<100).map { MetadataRequest.Topic(name: "t", id: .init(high: 0, low: $0)) }
        let ids = (0..<100).map { _ in MetadataRequest.Topic(name: nil, id: id) }
        #expect(try client.metadata(MetadataRequest(topics: names + ids), 12).topics.count == 2)
        let request = DescribeConfigsRequest(
            resources: (0..<100).map { _ in .init(type: .topic, name: "t") }
        )
        let number = try client.send(.describeConfigs, 4) { request.write(to: &$0, version: 4) }
        let results = try client.receive(.describeConfigs, 4, number) {
            try DescribeConfigsResponse(reading: &$0, version: 4).results
        }
        #expect(results.count == 1)
    }

    @Test func `topics of one request share what room there is`() throws {
        var creation = TopicCreationSettings()
        creation.partitionsMax = 5
        let broker = try ProducingBroker([:], creation: creation)
        let made = try create(
            try broker.connect(),
            [topic("a", partitions: 3), topic("b", partitions: 3), topic("c", partitions: 2)]
        )
        #expect(made.map(\.errorCode) == [.none, .policyViolation, .none])
    }
}
