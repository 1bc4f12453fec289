import BrokerModel
import KafkaServer
import KafkaWire
import Testing

@Suite struct OversizedProduceTests {
    private static var settings: KafkaServerSettings {
        var settings = KafkaServerSettings()
        settings.requestBytesMax = .kibibytes(16)
        return settings
    }

    private static func connect(_ broker: ProducingBroker) throws -> TestClient {
        let client = try broker.connect()
        _ = try client.metadata(MetadataRequest(topics: nil), 9)
        return client
    }

    private static func large(_ count: Int = 100_000) throws -> [UInt8] {
        try ProducerBatch.make([[UInt8](repeating: 5, count: count)])
    }

    @Test(arguments: [3, 8, 9, 12, 13] as [Int16])
    func `each partition is told that it is too much, and the connection goes on`(
        version: Int16
    ) throws {
        let broker = try ProducingBroker(["t": .init(partitions: 2)], settings: Self.settings)
        let client = try Self.connect(broker)
        let id = version >= 13 ? try broker.topicID("t") : .zero
        let batch = try Self.large()
        let number = try client.sendProduce([batch, batch], id: id, version)
        let answers = try client.receiveProduce(number, version)
        #expect(answers.map(\.errorCode) == [.messageTooLarge, .messageTooLarge])
        #expect(answers.map(\.index) == [0, 1])
        #expect(answers.allSatisfy { $0.baseOffset == Offset(-1) })
        if version >= 8 {
            let message = try #require(answers.first?.errorMessage)
            #expect(message.hasSuffix("and socket.request.max.bytes is 16384"))
        }
        let small = try ProducerBatch.make()
        let stored = try client.produce(small, id: id, version)
        #expect(stored.errorCode == .none && stored.baseOffset == .zero)
        #expect(broker.stored() == ProducerBatch.stored(small, at: 0))
        #expect(broker.counters.batchesRefused.count == 2)
        #expect(broker.counters.oversized.count == 0)
        #expect(broker.memory.used == .zero)
        guard case .batchRefused(_, _, "t", .messageTooLarge, _)? = broker.reports.all.first else {
            Issue.record("\(broker.reports.all)")
            return
        }
    }

    @Test func `its answer waits for those before it`() throws {
        let broker = try ProducingBroker(settings: Self.settings, storing: false)
        let client = try Self.connect(broker)
        let first = try client.sendProduce([try ProducerBatch.make()])
        let second = try client.sendProduce([try Self.large()])
        let third = try client.sendProduce([try ProducerBatch.make()])
        broker.expectEventually { broker.counters.produces.count == 3 }
        try broker.startStoring()
        #expect(try client.receiveProduce(first).first?.errorCode == KafkaErrorCode.none)
        #expect(try client.receiveProduce(second).first?.errorCode == .messageTooLarge)
        #expect(try client.receiveProduce(third).first?.baseOffset == Offset(1))
    }

    @Test func `it waits for memory as any Produce does`() throws {
        let broker = try ProducingBroker(
            settings: Self.settings,
            memory: .kibibytes(1),
            storing: false
        )
        let other = try Self.connect(broker)
        let first = try other.sendProduce([try Self.large(5_000)])
        broker.expectEventually { broker.counters.produces.count == 1 }
        let client = try Self.connect(broker)
        let number = try client.sendProduce([try Self.large()])
        broker.expectEventually { broker.counters.produceMemoryWaits.count == 1 }
        try broker.startStoring()
        #expect(try other.receiveProduce(first).first?.errorCode == KafkaErrorCode.none)
        #expect(try client.receiveProduce(number).first?.errorCode == .messageTooLarge)
    }

    @Test func `a client that leaves in the middle leaves nothing behind`() throws {
        let broker = try ProducingBroker(settings: Self.settings)
        do {
            let client = try Self.connect(broker)
            try client.write(Self.head(bytes: 90_000) + [UInt8](repeating: 0, count: 20_000))
            broker.expectEventually { broker.counters.produces.count == 1 }
        }
        broker.expectEventually { broker.memory.used == .zero }
        #expect(try Self.connect(broker).produce(ProducerBatch.make()).errorCode == .none)
    }

    @Test func `without an answer the connection ends, as after any refusal`() throws {
        let broker = try ProducingBroker(settings: Self.settings)
        let client = try Self.connect(broker)
        try client.sendProduce([try Self.large(20_000)], acks: 0)
        #expect(try client.isAtEnd())
        #expect(broker.counters.oversized.count == 1)
    }

    @Test func `any other request above the limit ends the connection`() throws {
        let broker = try ProducingBroker(settings: Self.settings)
        let client = try Self.connect(broker)
        let names = (0..<2_000).map { "a-topic-\($0)" }
        try client.send(.metadata, 1) { output in
            MetadataRequest(topics: names.map { .init(name: $0) }).write(to: &output, version: 1)
        }
        #expect(try client.isAtEnd())
        #expect(broker.counters.oversized.count == 1)
    }

    /// A Produce of version 9 for one partition, up to its records.
    private static func head(bytes: Int32) -> [UInt8] {
        var output = ByteWriter()
        output.writeInteger(bytes)
        KafkaRequestHeader(apiKey: 0, apiVersion: 9, correlationID: 2, clientID: "test")
            .write(to: &output)
        output.writeByte(0)  // Transactional id: none
        output.writeInteger(Int16(-1))
        output.writeInteger(Int32(1_000))
        output.writeUnsignedVarint(2)
        output.writeUnsignedVarint(2)
        output.writeUTF8("t")
        output.writeUnsignedVarint(2)
        output.writeInteger(Int32(0))
        output.writeUnsignedVarint(80_001)
        return [UInt8](output.bytes)
    }
}
