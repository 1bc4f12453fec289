import BrokerModel
import KafkaServer
import KafkaWire
import Testing

@Suite struct ProduceMemoryTests {
    @Test func `a full pool holds producers up and loses nothing`() throws {
        let broker = try ProducingBroker(memory: .kibibytes(64), storing: false)
        let batch = try ProducerBatch.make([[UInt8](repeating: 5, count: 30_000)])
        let clients = try (0..<4).map { _ in try broker.connect() }
        let numbers = try clients.map { try $0.sendProduce([batch]) }
        broker.expectEventually {
            broker.counters.produces.count == 2 && broker.counters.produceMemoryWaits.count >= 2
        }
        try broker.startStoring()
        var offsets: Set<Int64> = []
        for (client, number) in zip(clients, numbers) {
            let answer = try #require(try client.receiveProduce(number).first)
            #expect(answer.errorCode == .none)
            offsets.insert(answer.baseOffset.rawValue)
        }
        #expect(offsets == [0, 1, 2, 3])
        #expect(broker.memory.used == .zero)
    }

    @Test func `one request may be larger than the pool`() throws {
        let broker = try ProducingBroker(memory: .kibibytes(16))
        let client = try broker.connect()
        let batch = try ProducerBatch.make([[UInt8](repeating: 5, count: 30_000)])
        #expect(try client.produce(batch).baseOffset == .zero)
        #expect(try client.produce(batch).baseOffset == Offset(1))
    }

    @Test func `one connection leaves most of the pool to others`() throws {
        let broker = try ProducingBroker(memory: .kibibytes(64), storing: false)
        let greedy = try broker.connect()
        let batch = try ProducerBatch.make([[UInt8](repeating: 5, count: 10_000)])
        let numbers = try (0..<6).map { _ in try greedy.sendProduce([batch]) }
        broker.expectEventually { broker.counters.produces.count == 2 }
        let modest = try broker.connect()
        let number = try modest.sendProduce([batch])
        broker.expectEventually { broker.counters.produces.count == 3 }
        #expect(broker.counters.produceMemoryWaits.count == 0)
        try broker.startStoring()
        for number in numbers { #expect(try greedy.receiveProduce(number).count == 1) }
        #expect(try modest.receiveProduce(number).first?.errorCode == KafkaErrorCode.none)
        #expect(broker.memory.used == .zero)
    }

    @Test func `only so many requests of a connection are on their way`() throws {
        let broker = try ProducingBroker(memory: .mebibytes(64), storing: false)
        let client = try broker.connect()
        let batch = try ProducerBatch.make()
        let numbers = try (0..<5_000).map { _ in try client.sendProduce([batch]) }
        broker.expectEventually { broker.counters.produces.count == 4_096 }
        try broker.startStoring()
        for (offset, number) in numbers.enumerated() {
            let answer = try #require(try client.receiveProduce(number).first)
            #expect(answer.baseOffset == Offset(Int64(offset)))
        }
    }

    @Test func `what a client that left had sent is stored, and its memory comes back`() throws {
        let broker = try ProducingBroker(storing: false)
        do {
            let client = try broker.connect()
            try client.sendProduce([try ProducerBatch.make()])
            broker.expectEventually { broker.counters.produces.count == 1 }
        }
        try broker.startStoring()
        broker.expectEventually { broker.memory.used == .zero }
        let client = try broker.connect()
        #expect(try client.produce(try ProducerBatch.make()).baseOffset == Offset(1))
    }
}
