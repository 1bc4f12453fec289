import BrokerModel
import CommitLog
import KafkaServer
import KafkaWire
import Partitions
import Testing

@Suite struct AdministrationTests {
    private func broker(storing: Bool = true) throws -> ProducingBroker {
        try ProducingBroker(
            ["t": .init(partitions: 3, overrides: ["segment.ms": "5000"])],
            storing: storing
        )
    }

    // MARK: Partitions

    private func addPartitions(
        _ client: TestClient,
        _ topics: [CreatePartitionsRequest.Topic],
        timeout: Int32 = 10_000,
        validatesOnly: Bool = false,
        _ version: Int16 = 3
    ) throws -> [CreatePartitionsResponse.Topic] {
        var request = CreatePartitionsRequest(topics: topics, timeoutMilliseconds: timeout)
        request.validatesOnly = validatesOnly
        let id = try client.send(.createPartitions, version) {
            request.write(to: &$0, version: version)
        }
        return try client.receive(.createPartitions, version, id) {
            try CreatePartitionsResponse(reading: &$0, version: version).results
        }
    }

    @Test(arguments: KafkaAPI.createPartitions.versions)
    func `a topic gets more partitions, and they are written`(version: Int16) throws {
        let broker = try broker()
        let client = try broker.connect()
        let wanted = CreatePartitionsRequest.Topic(name: "t", count: 5)
        let added = try addPartitions(client, [wanted], version)
        #expect(added.map(\.errorCode) == [.none] && added.map(\.name) == ["t"])
        let answer = try client.produce(try ProducerBatch.make(), to: "t", partition: 4)
        #expect(answer.errorCode == .none)
        #expect(broker.counters.topicsChanged.count == 1)
    }

    @Test func `a topic that is named twice is refused once, and before the others`() throws {
        let broker = try broker()
        let twice = CreatePartitionsRequest.Topic(name: "t", count: 5)
        let other = CreatePartitionsRequest.Topic(name: "u", count: 5)
        let results = try addPartitions(try broker.connect(), [other, twice, twice])
        #expect(results.map(\.name) == ["t", "u"])
        #expect(results.map(\.errorCode) == [.invalidRequest, .unknownTopicOrPartition])
    }

    @Test func `a topic of the broker's own gets no more partitions`() throws {
        let broker = try ProducingBroker(["__consumer_offsets": .init()])
        let wanted = CreatePartitionsRequest.Topic(name: "__consumer_offsets", count: 2)
        let results = try addPartitions(try broker.connect(), [wanted])
        #expect(results.map(\.errorCode) == [.invalidTopic])
    }

    @Test func `an answer that comes too late is not given to the request after it`() throws {
        let broker = try broker(storing: false)
        let client = try broker.connect()
        let late = try addPartitions(client, [.init(name: "t", count: 5)], timeout: 0)
        #expect(late.map(\.errorCode) == [.requestTimedOut])
        let fewer = CreatePartitionsRequest(
            topics: [.init(name: "t", count: 4)],
            timeoutMilliseconds: 10_000
        )
        let id = try client.send(.createPartitions, 3) { fewer.write(to: &$0, version: 3) }
        // Another's answer: by then the loop has seen the request.
        _ = try broker.connect().metadata(MetadataRequest(topics: []), 9)
        try broker.startStoring()
        let results = try client.receive(.createPartitions, 3, id) {
            try CreatePartitionsResponse(reading: &$0, version: 3).results
        }
        #expect(results.map(\.errorCode) == [.invalidPartitions])
    }

    @Test func `who waits for no answer cannot have changes pile up`() throws {
        let broker = try broker(storing: false)
        let client = try broker.connect()
        var topic = CreateTopicsRequest.Topic(name: "new")
        (topic.partitionCount, topic.replicationFactor) = (-1, -1)
        let creation = CreateTopicsRequest(topics: [topic], timeoutMilliseconds: 0)
        let created = try client.send(.createTopics, 5) { creation.write(to: &$0, version: 5) }
        try client.receive(.createTopics, 5, created) {
            _ = try CreateTopicsResponse(reading: &$0, version: 5)
        }
        let block = DeleteRecordsRequest.Topic(
            name: "t",
            partitions: (0..<3).map { .init(index: $0, offset: .zero) }
        )
        let deletion = DeleteRecordsRequest(topics: [block], timeoutMilliseconds: 0)
        for _ in 0..<341 {
            let id = try client.send(.deleteRecords, 2) { deletion.write(to: &$0, version: 2) }
            try client.receive(.deleteRecords, 2, id) {
                _ = try DeleteRecordsResponse(reading: &$0, version: 2)
            }
        }
        // The topic is not there yet. It is once the request was let wait.
        let request = CreatePartitionsRequest(
            topics: [.init(name: "new", count: 9)],
            timeoutMilliseconds: 0
        )
        let id = try client.send(.createPartitions, 3) { request.write(to: &$0, version: 3) }
        _ = try broker.connect().metadata(MetadataRequest(topics: []), 9)
        try broker.startStoring()
        let results = try client.receive(.createPartitions, 3, id) {
            try CreatePartitionsResponse(reading: &$0, version: 3).results
        }
        #expect(results.map(\.errorCode) == [.requestTimedOut])
    }

    @Test func `who waits for a disk that is not ready is answered in time`() throws {
        let broker = try broker(storing: false)
        let client = try broker.connect()
        let wanted = CreatePartitionsRequest.Topic(name: "t", count: 5)
        let late = try addPartitions(client, [wanted], timeout: 20)
        #expect(late.map(\.errorCode) == [.requestTimedOut])
        var deletion = DeleteRecordsRequest.Topic(name: "t", partitions: [])
        deletion.partitions = [.init(index: 0, offset: Offset(0))]
        let request = DeleteRecordsRequest(topics: [deletion], timeoutMilliseconds: 20)
        let id = try client.send(.deleteRecords, 2) { request.write(to: &$0, version: 2) }
        let answer = try client.receive(.deleteRecords, 2, id) {
            try DeleteRecordsResponse(reading: &$0, version: 2).topics
        }
        #expect(answer.first?.partitions.map(\.errorCode) == [.requestTimedOut])
        try broker.startStoring()
    }

    // MARK: Settings

    private typealias Change = IncrementalAlterConfigsRequest.Setting

    private func alter(
        _ client: TestClient,
        _ resources: [IncrementalAlterConfigsRequest.Resource],
        validatesOnly: Bool = false,
        _ version: Int16 = 1
    ) throws -> [IncrementalAlterConfigsResponse.Result] {
        var request = IncrementalAlterConfigsRequest(resources: resources)
        request.validatesOnly = validatesOnly
        let id = try client.send(.incrementalAlterConfigs, version) {
            request.write(to: &$0, version: version)
        }
        return try client.receive(.incrementalAlterConfigs, version, id) {
            try IncrementalAlterConfigsResponse(reading: &$0, version: version).results
        }
    }

    private func overrides(_ broker: ProducingBroker) -> [String: String] {
        broker.catalog.snapshot.topics.first { $0.name.description == "t" }?.overrides ?? [:]
    }

    @Test(arguments: KafkaAPI.incrementalAlterConfigs.versions)
    func `some settings change and the others stay`(version: Int16) throws {
        let broker = try broker()
        let changes = [
            Change(name: "retention.ms", operation: .set, value: "60000"),
            Change(name: "segment.ms", operation: .delete, value: nil),
            Change(name: "cleanup.policy", operation: .append, value: "compact, delete"),
        ]
        let results = try alter(
            try broker.connect(),
            [.init(type: .topic, name: "t", settings: changes)],
            version
        )
        #expect(results.map(\.errorCode) == [.none])
        #expect(overrides(broker)["retention.ms"] == "60000")
        #expect(overrides(broker)["segment.ms"] == nil)
        #expect(overrides(broker)["cleanup.policy"] == "delete,compact")
    }

    @Test func `what may not change is refused with Kafka's codes`() throws {
        let broker = try broker()
        let client = try broker.connect()
        func change(_ name: String, _ operation: Int8, _ value: String?) -> [Change] {
            [Change(name: name, operation: .init(rawValue: operation), value: value)]
        }
        let set = change("retention.ms", 0, "1")
        let cases: [(ConfigResourceType, String, [Change], KafkaErrorCode)] = [
            (.topic, "u", set, .unknownTopicOrPartition),
            (.topic, "", set, .invalidRequest),
            (.topic, "a b", set, .invalidTopic),
            (.topic, "t", change("retention.ms", 0, nil), .invalidRequest),
            (.topic, "t", change("retention.ms", 9, "1"), .invalidRequest),
            (.topic, "t", change("retention.ms", 2, "1"), .invalidConfig),
            (.topic, "t", change("no.such", 3, "1"), .invalidConfig),
            (.topic, "t", change("retention.ms", 0, "x"), .invalidConfig),
            (.topic, "t", set + set, .invalidRequest),
            (.broker, "7", change("num.partitions", 0, "2"), .invalidRequest),
            (.broker, "8", [], .invalidRequest),
            (.broker, "7", [], .none),
            (.broker, "", [], .none),
            (.brokerLogger, "7", set, .invalidRequest),
            (.clientMetrics, "m", set, .invalidRequest),
            (.group, "g", set, .invalidRequest),
            (.init(rawValue: 99), "x", set, .invalidRequest),
        ]
        for (type, name, changes, code) in cases {
            let resource = IncrementalAlterConfigsRequest.Resource(
                type: type,
                name: name,
                settings: changes
            )
            let result = try #require(try alter(client, [resource]).first)
            #expect(result.errorCode == code, "\(type.rawValue) \(name) \(changes)")
            #expect((result.errorMessage == nil) == (code == .none), "\(name) \(changes)")
            #expect(result.type == type && result.name == name)
        }
        #expect(overrides(broker) == ["segment.ms": "5000"])
    }

    @Test func `a resource that is named twice is changed by neither`() throws {
        let broker = try broker()
        let change = Change(name: "retention.ms", operation: .set, value: "60000")
        let resource = IncrementalAlterConfigsRequest.Resource(
            type: .topic,
            name: "t",
            settings: [change]
        )
        let results = try alter(try broker.connect(), [resource, resource])
        #expect(results.map(\.errorCode) == [.invalidRequest, .invalidRequest])
        #expect(overrides(broker)["retention.ms"] == nil)
    }

    @Test(arguments: KafkaAPI.alterConfigs.versions, [false, true])
    func `the old request replaces all that is set, or only checks`(
        version: Int16,
        validatesOnly: Bool
    ) throws {
        let broker = try broker()
        let client = try broker.connect()
        var request = AlterConfigsRequest(resources: [
            .init(
                type: .topic,
                name: "t",
                settings: [.init(name: "retention.ms", value: "60000")]
            )
        ])
        request.validatesOnly = validatesOnly
        let id = try client.send(.alterConfigs, version) {
            request.write(to: &$0, version: version)
        }
        let results = try client.receive(.alterConfigs, version, id) {
            try AlterConfigsResponse(reading: &$0, version: version).results
        }
        #expect(results.map(\.errorCode) == [.none])
        #expect(
            overrides(broker)
                == (validatesOnly ? ["segment.ms": "5000"] : ["retention.ms": "60000"])
        )
        #expect(broker.counters.topicsChanged.count == (validatesOnly ? 0 : 1))
    }

    // MARK: Records

    @Test(arguments: KafkaAPI.deleteRecords.versions)
    func `records below an offset go, partition by partition`(version: Int16) throws {
        let broker = try broker()
        let client = try broker.connect()
        let batch = try ProducerBatch.make([[1], [2], [3]])
        for partition: Int32 in 0...1 {
            #expect(try client.produce(batch, to: "t", partition: partition).errorCode == .none)
        }
        let request = DeleteRecordsRequest(
            topics: [
                .init(
                    name: "t",
                    partitions: [
                        .init(index: 0, offset: Offset(2)), .init(index: 1, offset: Offset(-1)),
                        .init(index: 2, offset: Offset(1)), .init(index: 3, offset: Offset(0)),
                    ]
                ),
                .init(name: "u", partitions: [.init(index: 0, offset: Offset(0))]),
            ],
            timeoutMilliseconds: 10_000
        )
        let id = try client.send(.deleteRecords, version) {
            request.write(to: &$0, version: version)
        }
        let topics = try client.receive(.deleteRecords, version, id) {
            try DeleteRecordsResponse(reading: &$0, version: version).topics
        }
        let partitions = topics.flatMap(\.partitions)
        #expect(
            partitions.map(\.errorCode)
                == [
                    .none, .none, .offsetOutOfRange, .unknownTopicOrPartition,
                    .unknownTopicOrPartition,
                ]
        )
        #expect(partitions.map(\.lowWatermark.rawValue) == [2, 3, -1, -1, -1])
        #expect(try client.listOffsets(ListOffsetsPlace.earliest).offset == Offset(2))
    }
}
