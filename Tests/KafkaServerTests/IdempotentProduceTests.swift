import BrokerModel
import CommitLog
import HeadwaterTesting
import KafkaServer
import KafkaWire
import Testing

/// What producers with an id are answered.
@Suite struct IdempotentProduceTests {
    @Test func `a duplicate is answered with the first offset and the stored time`() throws {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        let time = ProducerBatch.now - 5_000
        let first = try Self.batch([[1], [2]], sequence: 0, time: time)
        let second = try Self.batch([[3]], sequence: 2)
        #expect(try client.produce(first).baseOffset == .zero)
        #expect(try client.produce(second, acks: 1).baseOffset == Offset(2))
        for acks in [-1, 1] as [Int16] {
            let again = try client.produce(first, acks: acks)
            #expect(again.errorCode == .none && again.baseOffset == .zero)
            #expect(again.logAppendTime == Timestamp(milliseconds: time))
            #expect(again.logStartOffset == .zero)
        }
        #expect(
            broker.stored()
                == ProducerBatch.stored(first, at: 0) + ProducerBatch.stored(second, at: 2)
        )
    }

    @Test func `a duplicate on a topic with the broker's time has the time of its append`() throws {
        let overrides = ["message.timestamp.type": "LogAppendTime"]
        let broker = try ProducingBroker(["t": .init(overrides: overrides)])
        let client = try broker.connect()
        let batch = try Self.batch([[1]], sequence: 0)
        let first = try client.produce(batch)
        let again = try client.produce(batch)
        #expect(first.logAppendTime > .none)
        #expect(again.logAppendTime == first.logAppendTime && again.baseOffset == .zero)
    }

    @Test func `what does not fit its sequence or epoch is refused by Kafka's codes`() throws {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        let codes = try [
            Self.batch(sequence: 0, epoch: 1), Self.batch(sequence: 2, epoch: 1),
            Self.batch(sequence: 1, epoch: 0), Self.batch(sequence: 1, epoch: 2),
            Self.batch(sequence: 1, epoch: 1), Self.batch(sequence: 0, epoch: 2),
        ].map { try client.produce($0) }
        #expect(
            codes.map(\.errorCode) == [
                .none, .outOfOrderSequenceNumber, .invalidProducerEpoch, .outOfOrderSequenceNumber,
                .none, .none,
            ]
        )
        #expect(codes.map(\.baseOffset.rawValue) == [0, -1, -1, -1, 1, 2])
        #expect(codes[1].errorMessage == "producer 7 sent sequence 2, and its last one here is 0")
        #expect(codes.allSatisfy { $0.logStartOffset == .zero })
    }

    @Test func `batches of one burst are each answered for themselves`() throws {
        let broker = try ProducingBroker(storing: false)
        let client = try broker.connect()
        let plain = try ProducerBatch.make([[9]])
        let sent = try [
            Self.batch([[1], [2]], sequence: 0), plain, Self.batch([[1], [2]], sequence: 0),
            Self.batch(sequence: 5), Self.batch(sequence: 2), plain,
            Self.batch(sequence: 0, id: 8),
        ]
        let numbers = try sent.map { try client.sendProduce([$0]) }
        broker.expectEventually { broker.counters.produces.count == sent.count }
        try broker.startStoring()
        let answers = try numbers.flatMap { try client.receiveProduce($0) }
        #expect(answers.map(\.baseOffset.rawValue) == [0, 2, 0, -1, 3, 4, 5])
        #expect(answers.map(\.errorCode).filter { $0 != .none } == [.outOfOrderSequenceNumber])
        #expect(broker.memory.used == .zero)
    }

    @Test func `a producer that wants no answer learns of a hole by the connection's end`() throws {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        try client.sendProduce([try Self.batch(sequence: 0)], acks: 0)
        #expect(try client.produce(try Self.batch(sequence: 0)).baseOffset == .zero)
        try client.sendProduce([try Self.batch(sequence: 2)], acks: 0)
        #expect(try client.isAtEnd())
    }

    @Test func `transactions are refused, and sequences below 0`() throws {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        let batch = try Self.batch(sequence: 0)
        let transactional = ProducerBatch.changed(batch, at: 21, to: [0, 0x10])
        #expect(try client.produce(transactional).errorCode == .unsupportedForMessageFormat)
        #expect(try client.produce(try Self.batch(sequence: -1)).errorCode == .invalidRecord)
        #expect(broker.stored().isEmpty)
    }

    @Test func `producers of a partition are described`() throws {
        let broker = try ProducingBroker(["t": .init(partitions: 2)])
        let client = try broker.connect()
        let time = ProducerBatch.now
        _ = try client.produce(try Self.batch([[1], [2]], sequence: 4, epoch: 3, time: time))
        let request = DescribeProducersRequest(topics: [
            .init(name: "t", partitions: [0, 1, 0, 2, 0]), .init(name: "nowhere", partitions: [0]),
            .init(name: "a/b", partitions: [0]), .init(name: "t", partitions: [0, 0]),
        ])
        let number = try client.send(.describeProducers, 0) { request.write(to: &$0, version: 0) }
        let response = try client.receive(.describeProducers, 0, number) {
            try DescribeProducersResponse(reading: &$0, version: 0)
        }
        let answers = response.topics.flatMap(\.partitions)
        #expect(
            answers.map(\.errorCode) == [
                .none, .none, .unknownTopicOrPartition, .unknownTopicOrPartition, .invalidTopic,
            ]
        )
        let producer = try #require(answers[0].activeProducers.first)
        #expect(producer.producerID == 7 && producer.producerEpoch == 3)
        #expect(producer.lastSequence == 5)
        #expect(producer.lastTimestamp == Timestamp(milliseconds: time))
        #expect(producer.coordinatorEpoch == -1)
        #expect(producer.transactionStartOffset == Offset(-1))
        #expect(answers[0].activeProducers.count == 1 && answers[1].activeProducers.isEmpty)
    }

    private static func batch(
        _ values: [[UInt8]] = [[1]],
        sequence: Int32,
        epoch: Int16 = 0,
        id: Int64 = 7,
        time: Int64? = nil
    ) throws -> [UInt8] {
        let times = time.map { [Int64](repeating: $0, count: values.count) } ?? []
        var batch = try ProducerBatch.make(values, times: times)
        batch.withUnsafeMutableBytes {
            IdempotentBatch.stamp($0, producerID: id, epoch: epoch, sequence: sequence)
        }
        return batch
    }
}

/// How producers get their ids.
@Suite struct InitProducerIDTests {
    @Test(arguments: 0...5 as ClosedRange<Int16>)
    func `each producer gets an id of its own, and epoch 0`(version: Int16) throws {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        let answers = try (0..<3).map { _ in try client.initProducerID(version) }
        #expect(answers.map(\.producerID) == [0, 1, 2])
        #expect(answers.allSatisfy { $0.errorCode == .none && $0.producerEpoch == 0 })
    }

    @Test func `a producer that had an id gets a new one, and half an id is refused`() throws {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        _ = try client.initProducerID()
        let again = try client.initProducerID { ($0.producerID, $0.producerEpoch) = (0, 4) }
        #expect(again.producerID == 1 && again.producerEpoch == 0)
        #expect(try client.initProducerID { $0.producerID = 0 }.errorCode == .invalidRequest)
        #expect(try client.initProducerID { $0.producerEpoch = 0 }.errorCode == .invalidRequest)
    }

    @Test func `a transactional id is refused so that clients give up`() throws {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        let refused = try client.initProducerID { $0.transactionalID = "orders" }
        #expect(refused.errorCode == .transactionalIDAuthorizationFailed)
        #expect(refused.producerID == -1 && refused.producerEpoch == -1)
        #expect(try client.initProducerID { $0.transactionalID = "" }.errorCode == .invalidRequest)
    }

    @Test func `requests wait for the storage loop, and go on with it`() throws {
        let broker = try ProducingBroker(storing: false)
        let clients = try (0..<5).map { _ in try broker.connect() }
        let numbers = try clients.map { try $0.sendInitProducerID() }
        try broker.startStoring()
        let ids = try zip(clients, numbers).map {
            try $0.receiveInitProducerID($1).producerID
        }
        #expect(ids.sorted() == [0, 1, 2, 3, 4])
        let more = try (0..<1_200).map { _ in try clients[0].initProducerID().producerID }
        #expect(more == Array(5..<1_205))
    }

    @Test func `while the metadata log fails there is no id, and clients ask again`() throws {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        var faults = SimulatedFaults()
        faults.fail(
            .write,
            pathSuffix: "__cluster_metadata-0/00000000000000000000.log",
            reason: .io,
            times: .max
        )
        broker.fileSystem.setFaults(faults)
        for _ in 0..<2 {
            let refused = try client.initProducerID()
            #expect(refused.errorCode == .coordinatorLoadInProgress && refused.producerID == -1)
        }
        broker.fileSystem.setFaults(SimulatedFaults())
        // The log may have been tried once more just before.
        let answers = try (0..<2).map { _ in try client.initProducerID().producerID }
        #expect(answers.contains { $0 >= 0 })
    }
}

extension TestClient {
    fileprivate func sendInitProducerID(
        _ version: Int16 = 4,
        _ change: (inout InitProducerIDRequest) -> Void = { _ in }
    ) throws -> Int32 {
        var request = InitProducerIDRequest(transactionTimeoutMilliseconds: 60_000)
        change(&request)
        return try send(.initProducerID, version) { request.write(to: &$0, version: version) }
    }

    fileprivate func receiveInitProducerID(
        _ number: Int32,
        _ version: Int16 = 4
    ) throws -> InitProducerIDResponse {
        try receive(.initProducerID, version, number) {
            try InitProducerIDResponse(reading: &$0, version: version)
        }
    }

    fileprivate func initProducerID(
        _ version: Int16 = 4,
        _ change: (inout InitProducerIDRequest) -> Void = { _ in }
    ) throws -> InitProducerIDResponse {
        try receiveInitProducerID(try sendInitProducerID(version, change), version)
    }
}
