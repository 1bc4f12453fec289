import BrokerModel
import CommitLog
import KafkaServer
import KafkaWire
import Testing

@Suite struct SilentClientTests {
    @Test func `a client that says nothing is cut off`() throws {
        let broker = try ProducingBroker(handshakeTimeout: .milliseconds(100))
        let talker = try broker.connect()
        #expect(try talker.metadata(MetadataRequest(topics: []), 9).brokers.count == 1)
        let silent = try broker.connect()
        #expect(try silent.isAtEnd())
        #expect(try talker.metadata(MetadataRequest(topics: []), 9).brokers.count == 1)
    }

    @Test func `a client that asks for nothing any more is cut off`() throws {
        var settings = KafkaServerSettings()
        settings.idleMax = TimeLimit(.milliseconds(100))
        let broker = try ProducingBroker(settings: settings)
        let client = try broker.connect()
        #expect(try client.produce(try ProducerBatch.make()).errorCode == .none)
        #expect(try client.isAtEnd())
        #expect(broker.counters.idle.count == 1)
    }

    @Test func `a client that waits for its answer is not idle`() throws {
        var settings = KafkaServerSettings()
        settings.idleMax = TimeLimit(.milliseconds(50))
        let broker = try ProducingBroker(settings: settings, storing: false)
        let waiting = try broker.connect()
        let number = try waiting.sendProduce([try ProducerBatch.make()])
        let idle = try broker.connect()
        #expect(try idle.isAtEnd())
        try broker.startStoring()
        #expect(try waiting.receiveProduce(number).first?.errorCode == KafkaErrorCode.none)
    }
}
