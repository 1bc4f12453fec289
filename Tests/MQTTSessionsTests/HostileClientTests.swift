import BrokerModel
import HeadwaterTesting
import MQTTSessions
import MQTTWire
import Testing

/// Clients that send anything at all, to one directory.
@Suite struct HostileClientTests {
    @Test func `clients that send mangled packets end alone, and leave nothing behind`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let broker = Broker(memory: .kibibytes(256)) {
            $0.inFlightMax = 4
            $0.sessionsMax = 20
        }
        let bystander = broker.connect("bystander", keepAlive: 0)
        var clients: [Client] = []
        var ends = 0
        for _ in 0..<20_000 {
            if clients.count < 10 { clients.append(open(in: broker, &generator)) }
            let place = Int.random(in: 0..<clients.count, using: &generator)
            let client = clients[place]
            client.send(packet(&generator))
            if let last = client.publishes.indices.last { _ = client.storedThrough(last) }
            broker.advance(.milliseconds(Int64.random(in: 0...300, using: &generator)))
            if Int.random(in: 0..<50, using: &generator) == 0 { _ = broker.sweep() }
            guard client.end != nil else { continue }
            clients.remove(at: place)
            ends += 1
        }
        #expect(ends > 100, "seed \(seed)")
        #expect(bystander.send([0xc0, 0]) == [0xd0, 0], "seed \(seed)")
        for client in clients where client.end == nil { client.lose() }
        clients = []
        bystander.disconnect()
        broker.advance(.days(8))
        _ = broker.sweep()
        #expect(broker.sessionCount == 0, "seed \(seed)")
        #expect(broker.subscriptions.isEmpty, "seed \(seed)")
        #expect(broker.subscriptions.nodeCount == 1, "seed \(seed)")
        #expect(broker.memory.used == .zero, "seed \(seed)")
    }

    private func open(in broker: Broker, _ generator: inout SeededGenerator) -> Client {
        let version: ProtocolVersion = Bool.random(using: &generator) ? .v5 : .v311
        let will = Will(
            topic: "w",
            payload: [1],
            delay: UInt32.random(in: 0...2, using: &generator)
        )
        return broker.connect(
            Text("c\(Int.random(in: 0..<6, using: &generator))"),
            version,
            isCleanStart: Bool.random(using: &generator),
            expiry: version == .v5 ? UInt32.random(in: 0...5, using: &generator) : nil,
            will: Bool.random(using: &generator) ? will : nil
        )
    }

    /// A packet that is right for one version or none.
    private func packet(_ generator: inout SeededGenerator) -> [UInt8] {
        let packets: [[UInt8]] = [
            [0x30, 3, 0, 1, 0x61], [0x30, 4, 0, 1, 0x61, 0], [0x32, 5, 0, 1, 0x61, 0, 1],
            [0x32, 6, 0, 1, 0x61, 0, 1, 0], [0x30, 7, 0, 1, 0x61, 3, 0x23, 0, 1],
            [0x82, 6, 0, 1, 0, 1, 0x61, 0], [0x82, 7, 0, 1, 0, 0, 1, 0x62, 0],
            [0x82, 9, 0, 1, 0, 0, 3, 0x61, 0x2f, 0x2b, 0], [0xa2, 5, 0, 1, 0, 1, 0x61],
            [0xa2, 6, 0, 1, 0, 0, 1, 0x62], [0xc0, 0], [0xe0, 0], [0x62, 2, 0, 1],
        ]
        var packet = packets.randomElement(using: &generator) ?? []
        if Int.random(in: 0..<8, using: &generator) == 0 {
            let place = Int.random(in: 0..<packet.count, using: &generator)
            packet[place] = UInt8.random(in: 0...255, using: &generator)
        }
        return packet
    }
}
