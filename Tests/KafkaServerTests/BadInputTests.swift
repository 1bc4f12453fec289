import BrokerModel
import KafkaServer
import KafkaWire
import Testing

@Suite struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let bytes: [UInt8]
        let error: KafkaWireError
        let counter: @Sendable (KafkaServerCounters) -> Int

        var testDescription: String { "\(error)" }
    }

    private static let cases: [Case] = [
        Case(bytes: Array("GET / HTTP/1.1\r\n".utf8), error: .frameLength(0x4745_5420)) {
            $0.oversized.count
        },
        Case(bytes: [0x16, 3, 1, 2, 0, 1], error: .frameLength(0x1603_0102)) {
            $0.oversized.count
        },
        Case(bytes: [0xff, 0xff, 0xff, 0xff], error: .frameLength(-1)) { $0.oversized.count },
        Case(bytes: [0, 0, 0, 0], error: .truncated) { $0.malformed.count },
        Case(bytes: [0, 0, 0, 10, 0, 99, 0, 0, 0, 0, 0, 1, 0xff, 0xff], error: .unknownAPI(99)) {
            $0.unknownAPIs.count
        },
        Case(
            bytes: [0, 0, 0, 10, 0, 1, 0, 3, 0, 0, 0, 1, 0xff, 0xff],
            error: .unsupportedVersion(api: 1, version: 3)
        ) { $0.unsupportedVersions.count },
        Case(
            bytes: [0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff],
            error: .unsupportedVersion(api: 0, version: 0)
        ) { $0.unsupportedVersions.count },
        Case(
            bytes: [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff],
            error: .tooManyElements(0x7fff_ffff)
        ) { $0.malformed.count },
        Case(
            bytes: [0, 0, 0, 13, 0, 1, 0, 4, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0],
            error: .truncated
        ) { $0.malformed.count },
    ]

    @Test(arguments: cases)
    func `a client that does not speak Kafka loses its connection, and nobody else does`(
        bad: Case
    ) throws {
        let broker = try TestBroker()
        let bystander = try broker.connect()
        #expect(try bystander.metadata(MetadataRequest(topics: nil), 9).topics.count == 1)
        let client = try broker.connect()
        try client.write(bad.bytes)
        #expect(try client.isAtEnd())
        #expect(bad.counter(broker.counters) == 1)
        guard case .disconnected(_, _, bad.error)? = broker.reports.all.first,
            broker.reports.all.count == 1
        else {
            Issue.record("\(broker.reports.all)")
            return
        }
        #expect(try bystander.metadata(MetadataRequest(topics: nil), 9).topics.count == 1)
    }

    @Test func `what was asked before the mistake is still answered`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let request = MetadataRequest(topics: nil)
        try client.send(.metadata, 9) { request.write(to: &$0, version: 9) }
        try client.write([0xff, 0xff, 0xff, 0xff])
        let count = try client.receive(.metadata, 9, 1) {
            try MetadataResponse(reading: &$0, version: 9).topics.count
        }
        #expect(count == 1)
        #expect(try client.isAtEnd())
        guard case .disconnected(_, let name, _)? = broker.reports.all.first else {
            Issue.record("\(broker.reports.all)")
            return
        }
        #expect(name.clientID == "test")
    }

    @Test func `a request over the limit is refused by its length alone`() throws {
        var settings = KafkaServerSettings()
        settings.requestBytesMax = ByteCount(1_000)
        let broker = try TestBroker(settings: settings)
        let client = try broker.connect()
        try client.write([0, 0, 0x03, 0xe9])
        #expect(try client.isAtEnd())
        #expect(broker.counters.oversized.count == 1)
    }

    @Test func `a request may come byte by byte`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let request: [UInt8] = [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff]
        for byte in request { try client.write([byte]) }
        let count = try client.receive(.metadata, 1, 1) {
            try MetadataResponse(reading: &$0, version: 1).topics.count
        }
        #expect(count == 1)
    }
}
