import BrokerModel
import CommitLog
import HeadwaterTesting
import KafkaServer
import KafkaWire
import RecordFormat
import Testing

@Suite struct ProduceAnswerTests {
    @Test(arguments: 3...13 as ClosedRange<Int16>)
    func `a batch is stored as it was sent, and its first offset told`(version: Int16) throws {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        let id = try broker.topicID("t")
        let first = try ProducerBatch.make([[1], [2]])
        let second = try ProducerBatch.make([[3]])
        let one = try client.produce(first, id: id, acks: 1, version)
        let other = try client.produce(second, id: id, acks: -1, version)
        #expect(one.errorCode == .none && other.errorCode == .none)
        #expect(one.baseOffset == .zero && other.baseOffset == Offset(2))
        #expect(one.logAppendTime == .none)
        #expect(one.logStartOffset == (version >= 5 ? .zero : Offset(-1)))
        #expect(
            broker.stored()
                == ProducerBatch.stored(first, at: 0) + ProducerBatch.stored(second, at: 2)
        )
        let fetched = try client.fetch(.now(), 11).only
        #expect(fetched.records == broker.stored())
        #expect(broker.counters.recordsProduced.count == 3)
    }

    @Test func `a producer that wants no answer gets none, and its records are stored`() throws {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        let batch = try ProducerBatch.make()
        try client.sendProduce([batch], acks: 0)
        try client.sendProduce([batch], acks: 0)
        // The next answer is that to the next request.
        #expect(try client.metadata(MetadataRequest(topics: nil), 9).topics.count == 1)
        #expect(try client.produce(batch).baseOffset == Offset(2))
    }

    @Test func `a producer that wants no answer learns of a refusal by the connection's end`()
        throws
    {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        try client.sendProduce([try ProducerBatch.make()], to: "nowhere", acks: 0)
        #expect(try client.isAtEnd())
        #expect(broker.counters.batchesRefused.count == 1)
    }

    @Test func `pipelined requests share a commit and are answered in order`() throws {
        let broker = try ProducingBroker(storing: false)
        let client = try broker.connect()
        let numbers = try (0..<500).map { number in
            try client.sendProduce([try ProducerBatch.make([[UInt8(number % 250)]])])
        }
        broker.expectEventually { broker.counters.produces.count == 500 }
        let syncsBefore = broker.fileSystem.counters.syncs.count
        try broker.startStoring()
        for (offset, number) in numbers.enumerated() {
            let answer = try #require(try client.receiveProduce(number).first)
            #expect(answer.baseOffset == Offset(Int64(offset)))
        }
        #expect(broker.fileSystem.counters.syncs.count - syncsBefore <= 4)
        #expect(broker.memory.used == .zero)
    }

    @Test func `a request of another kind waits for the produces before it`() throws {
        let broker = try ProducingBroker(storing: false)
        let client = try broker.connect()
        let first = try client.sendProduce([try ProducerBatch.make()])
        let request = MetadataRequest(topics: nil)
        let second = try client.send(.metadata, 9) { request.write(to: &$0, version: 9) }
        let third = try client.sendProduce([try ProducerBatch.make()])
        broker.expectEventually { broker.counters.produces.count == 1 }
        try broker.startStoring()
        #expect(try client.receiveProduce(first).first?.baseOffset == .zero)
        let topics = try client.receive(.metadata, 9, second) {
            try MetadataResponse(reading: &$0, version: 9).topics
        }
        #expect(topics.count == 1)
        #expect(try client.receiveProduce(third).first?.baseOffset == Offset(1))
    }

    @Test func `one request's partitions are stored or refused each for itself`() throws {
        let broker = try ProducingBroker(["t": .init(partitions: 3)])
        let client = try broker.connect()
        let good = try ProducerBatch.make()
        var bad = good
        bad[17] ^= 1
        let number = try client.sendProduce([good, bad, good, good])
        let answers = try client.receiveProduce(number)
        #expect(
            answers.map(\.errorCode)
                == [.none, .corruptMessage, .none, .unknownTopicOrPartition]
        )
        #expect(answers.map(\.index) == [0, 1, 2, 3])
        #expect(broker.stored("t", 1).isEmpty)
        #expect(broker.stored("t", 2) == ProducerBatch.stored(good, at: 0))
    }

    @Test func `a failing disk fails its partition and nobody else's`() throws {
        let broker = try ProducingBroker(["t": .init(partitions: 2)])
        let client = try broker.connect()
        let batch = try ProducerBatch.make()
        var faults = SimulatedFaults()
        faults.fail(.sync, pathSuffix: "t-0/00000000000000000000.log", reason: .io)
        broker.fileSystem.setFaults(faults)
        let answers = try client.receiveProduce(try client.sendProduce([batch, batch]))
        #expect(answers.map(\.errorCode) == [.kafkaStorageError, .none])
        #expect(try client.produce(batch).errorCode == .kafkaStorageError)
        #expect(try client.produce(batch, partition: 1).baseOffset == Offset(1))
        #expect(broker.counters.appendsFailed.count >= 2)
    }
}

@Suite struct ProduceTimestampTests {
    @Test func `a topic may ask for the broker's time`() throws {
        let overrides = ["message.timestamp.type": "LogAppendTime"]
        let broker = try ProducingBroker(["t": .init(overrides: overrides)])
        let client = try broker.connect()
        let before = ProducerBatch.now
        let answer = try client.produce(try ProducerBatch.make([[1], [2]], times: [5, 6]))
        #expect((before...ProducerBatch.now).contains(answer.logAppendTime.rawValue))
        try broker.stored().withUnsafeBytes { bytes in
            let batch = try #require(try RecordBatchView.first(in: bytes))
            #expect(batch.timestampType == .logAppendTime)
            #expect(batch.maxTimestamp == answer.logAppendTime)
            #expect(batch.crcIsValid)
        }
    }

    @Test func `the largest time of a batch is set right`() throws {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        let batch = try ProducerBatch.make([[1], [2]], times: [9_000, 8_000])
        let wrong = ProducerBatch.changed(batch, at: 35, to: [0, 0, 0, 0, 0, 0, 0, 7])
        #expect(try client.produce(wrong).errorCode == .none)
        #expect(broker.stored() == ProducerBatch.stored(batch, at: 0))
    }

    @Test func `a record whose time is too far away is named`() throws {
        let overrides = [
            "message.timestamp.before.max.ms": "1000", "message.timestamp.after.max.ms": "600000",
        ]
        let broker = try ProducingBroker(["t": .init(overrides: overrides)])
        let client = try broker.connect()
        let now = ProducerBatch.now
        let early = try client.produce(try ProducerBatch.make([[1], [2]], times: [now, 5]))
        #expect(early.errorCode == .invalidTimestamp)
        #expect(early.recordErrors.map(\.index) == [1])
        #expect(early.errorMessage != nil)
        let late = try client.produce(try ProducerBatch.make(times: [now + 3_600_000]))
        #expect(late.errorCode == .invalidTimestamp)
        #expect(try client.produce(try ProducerBatch.make(times: [now])).errorCode == .none)
    }
}
