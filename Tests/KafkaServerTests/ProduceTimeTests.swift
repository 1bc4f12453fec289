import BrokerModel
import CommitLog
import EventLoop
import KafkaServer
import KafkaWire
import Partitions
import Testing

/// How long producers wait, and how long they hold up others.
@Suite struct ProduceTimeTests {
    @Test func `a producer hears that the log takes too long, and its records are stored`() throws {
        let broker = try ProducingBroker(storing: false)
        let client = try broker.connect()
        let batch = try ProducerBatch.make()
        let patient = try client.sendProduce([batch])
        let hasty = try broker.connect()
        let number = try hasty.sendProduce([batch, nil], timeout: 1)
        let answers = try hasty.receiveProduce(number)
        #expect(answers.map(\.errorCode) == [.requestTimedOut, .unknownTopicOrPartition])
        #expect(broker.counters.producesTimedOut.count == 1)
        #expect(broker.memory.used > .zero)
        try broker.startStoring()
        #expect(try client.receiveProduce(patient).first?.errorCode == KafkaErrorCode.none)
        broker.expectEventually { broker.memory.used == .zero }
        #expect(try hasty.produce(batch).baseOffset == Offset(2))
        #expect(broker.counters.producesTimedOut.count == 1)
    }

    @Test func `one that wants no answer does not hold up those behind it for ever`() throws {
        let broker = try ProducingBroker(storing: false)
        let client = try broker.connect()
        try client.sendProduce([try ProducerBatch.make()], acks: 0, timeout: 1)
        #expect(try client.metadata(MetadataRequest(topics: nil), 9).topics.count == 1)
        #expect(broker.counters.producesTimedOut.count == 1)
        try broker.startStoring()
        broker.expectEventually { broker.memory.used == .zero }
        #expect(try client.produce(try ProducerBatch.make()).baseOffset == Offset(1))
    }

    @Test func `who leaves after a late answer leaves nothing behind`() throws {
        let broker = try ProducingBroker(storing: false)
        do {
            let client = try broker.connect()
            let number = try client.sendProduce([try ProducerBatch.make()], timeout: 0)
            #expect(try client.receiveProduce(number).first?.errorCode == .requestTimedOut)
        }
        try broker.startStoring()
        broker.expectEventually { broker.memory.used == .zero }
    }

    @Test func `a clean stop answers what the log stores meanwhile`() throws {
        let broker = try ProducingBroker(storing: false)
        let client = try broker.connect()
        let number = try client.sendProduce([try ProducerBatch.make()])
        broker.expectEventually { broker.counters.produces.count == 1 }
        broker.beginCleanStop()
        try broker.startStoring()
        let answer = try #require(try client.receiveProduce(number).first)
        #expect(answer.errorCode == .none && answer.baseOffset == .zero)
    }

    @Test func `batches that grow when they are decompressed come in turns, and all come`() throws {
        let broker = try ProducingBroker(memory: .mebibytes(64))
        let client = try broker.connect()
        let batch = try ProducerBatch.make([[UInt8](repeating: 0, count: 3 << 20)], zstd: true)
        let partitions = [Int32](repeating: 0, count: 12)
        let batches = [[UInt8]?](repeating: batch, count: 12)
        let number = try client.sendProduce(batches, partitions: partitions)
        let answers = try client.receiveProduce(number)
        #expect(answers.allSatisfy { $0.errorCode == .none })
        #expect(answers.map(\.baseOffset.rawValue) == Array(0..<12))
        #expect(broker.counters.producesDeferred.count == 5)
        broker.expectEventually { broker.memory.used == .zero }
    }

    @Test func `who leaves in the middle of a large request gives back its memory`() throws {
        let broker = try ProducingBroker(memory: .mebibytes(64), storing: false)
        let batch = try ProducerBatch.make([[UInt8](repeating: 0, count: 8 << 20)], zstd: true)
        do {
            let client = try broker.connect()
            let partitions = [Int32](repeating: 0, count: 40)
            try client.sendProduce([[UInt8]?](repeating: batch, count: 40), partitions: partitions)
            broker.expectEventually { broker.counters.producesDeferred.count > 0 }
        }
        try broker.startStoring()
        broker.expectEventually { broker.memory.used == .zero }
    }

    @Test func `nothing is kept of a deleted topic that was produced to`() throws {
        let broker = try ProducingBroker(["gone": .init(), "t": .init()])
        let client = try broker.connect()
        #expect(try client.produce(try ProducerBatch.make(), to: "gone").errorCode == .none)
        weak let reader = broker.reader(of: "gone")
        #expect(reader != nil)
        let request = DeleteTopicsRequest(
            topics: [.init(name: "gone")],
            timeoutMilliseconds: 10_000
        )
        let id = try client.send(.deleteTopics, 5) { request.write(to: &$0, version: 5) }
        let deleted = try client.receive(.deleteTopics, 5, id) {
            try DeleteTopicsResponse(reading: &$0, version: 5).topics
        }
        #expect(deleted.first?.errorCode == KafkaErrorCode.none)
        #expect(try client.produce(try ProducerBatch.make()).errorCode == .none)
        broker.expectEventually { reader == nil }
    }
}

extension ProducingBroker {
    fileprivate func reader(of topic: String) -> PartitionReader? {
        TopicName(topic).flatMap { catalog.snapshot.topic(named: $0) }?.reader(0)
    }
}
