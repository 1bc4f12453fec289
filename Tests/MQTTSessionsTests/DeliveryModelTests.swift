import BrokerModel
import HeadwaterTesting
import MQTTSessions
import MQTTWire
import Testing

/// A subscriber that loses connections and acknowledges as it likes, against a model that is a
/// list.
@Suite struct DeliveryModelTests {
    /// What the client knows of one message.
    private struct Message {
        let payload: Text
        /// How often it came.
        var arrivals = 0
        var isAcknowledged = false
        /// On the connection of now.
        var hasArrivedHere = false
    }

    @Test(arguments: 0..<40)
    func `every queued message arrives while the session lives, in order, with DUP where it is due`(
        round: Int
    ) {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let broker = Broker {
            $0.deliveriesInFlightMax = UInt16(generator.within(1...20))
            $0.deliveryQueueMax = generator.within(1...50)
        }
        var model: [Message] = []
        var client = connect(broker, &generator)
        client.subscribe("a", options: SubscriptionOptions(qosMax: .atLeastOnce))
        for step in 0..<2_000 {
            switch generator.below(10) {
            case 0...3:
                let payload = "\(step)" + String(repeating: "-", count: generator.below(200))
                if broker.queue("a", payload, to: [client])[0] {
                    model.append(Message(payload: Text(payload)))
                }
            case 4...6:
                let isRefused = generator.oneIn(5)
                let room = generator.oneIn(3) ? generator.within(1...400) : .max
                arrive(client.deliveries(room: room, isRefused: isRefused), &model, seed)
            case 7...8: acknowledge(client, &model, &generator)
            default:
                guard generator.oneIn(4) else { continue }
                if generator.oneIn(2) { client.lose() }
                let next = connect(broker, &generator)
                if client.end == nil { _ = client.takeOver() }
                client = next
                for place in model.indices { model[place].hasArrivedHere = false }
            }
            let inFlight = model.count { $0.hasArrivedHere && !$0.isAcknowledged }
            #expect(inFlight == client.session.deliveries?.unacknowledgedCount, "seed \(seed)")
        }
        while model.contains(where: { !$0.isAcknowledged }) {
            let before = model.count { $0.isAcknowledged }
            arrive(client.deliveries(), &model, seed)
            acknowledgeAll(client, &model)
            let after = model.count { $0.isAcknowledged }
            guard after > before else {
                Issue.record("messages stay behind; seed \(seed)")
                return
            }
        }
        #expect(client.session.deliveries?.count == 0, "seed \(seed)")
    }

    private func connect(_ broker: Broker, _ generator: inout SeededGenerator) -> Client {
        let client = broker.open()
        let receiveMaximum = UInt32(generator.within(1...30))
        client.connect("c", isCleanStart: false, expiry: 100) {
            $0.properties.append(.receiveMaximum, receiveMaximum)
        }
        return client
    }

    /// Takes what is sent, and checks it: each the next in order that is not acknowledged.
    private func arrive(
        _ deliveries: [Client.Delivery],
        _ model: inout [Message],
        _ seed: UInt64
    ) {
        for delivery in deliveries {
            guard let place = model.firstIndex(where: { !$0.isAcknowledged && !$0.hasArrivedHere })
            else {
                Issue.record("a message that nobody waits for; seed \(seed)")
                return
            }
            #expect(delivery.payload == model[place].payload, "seed \(seed)")
            #expect(
                delivery.packetIdentifier == UInt16(place % 65_535 + 1),
                "the same identifier each time; seed \(seed)"
            )
            #expect(delivery.isDuplicate == (model[place].arrivals > 0), "seed \(seed)")
            model[place].arrivals += 1
            model[place].hasArrivedHere = true
        }
    }

    private func acknowledge(
        _ client: Client,
        _ model: inout [Message],
        _ generator: inout SeededGenerator
    ) {
        let waiting = model.indices.filter {
            model[$0].hasArrivedHere && !model[$0].isAcknowledged
        }
        // In order as a rule, as 4.6 wants it of clients.
        let place = generator.oneIn(4) ? waiting.randomElement(using: &generator) : waiting.first
        guard let place else { return }
        client.acknowledge(UInt16(place % 65_535 + 1))
        model[place].isAcknowledged = true
    }

    private func acknowledgeAll(_ client: Client, _ model: inout [Message]) {
        for place in model.indices where model[place].hasArrivedHere {
            guard !model[place].isAcknowledged else { continue }
            client.acknowledge(UInt16(place % 65_535 + 1))
            model[place].isAcknowledged = true
        }
    }
}
