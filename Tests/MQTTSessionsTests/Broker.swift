import BrokerModel
import MQTTSessions
import MQTTWire

/// A directory and its clock, for tests: packets go in, what came out is kept.
final class Broker {
    var directory: SessionDirectory
    let limits: SessionLimits
    let memory: MemoryPool
    let deliveries: MemoryPool
    var now = MonotonicTime(nanoseconds: 0)
    let wallClock = Timestamp(rawValue: 1_800_000_000_000)
    private var connectionCount: UInt64 = 0

    init(
        memory capacity: ByteCount = .mebibytes(8),
        deliveries: ByteCount = .mebibytes(8),
        _ change: (inout SessionLimits) -> Void = { _ in }
    ) {
        var limits = SessionLimits()
        change(&limits)
        self.limits = limits
        memory = MemoryPool(name: "mqtt.sessions", capacity: capacity)
        self.deliveries = MemoryPool(name: "mqtt.deliveries", capacity: deliveries)
        directory = SessionDirectory(
            limits: limits,
            memory: memory,
            deliveries: self.deliveries,
            seed: 1
        )
    }

    var sessionCount: Int { directory.count }
    var subscriptions: SubscriptionTree { directory.subscriptions }
    var nextDeadline: MonotonicTime? { directory.nextDeadline }

    func advance(_ duration: Duration) { now = now + duration }

    func open() -> Client {
        connectionCount += 1
        return Client(self, connection: connectionCount)
    }

    /// A client that is connected.
    func connect(
        _ identifier: Text,
        _ version: ProtocolVersion = .v5,
        isCleanStart: Bool = true,
        keepAlive: UInt16 = 60,
        expiry: UInt32? = nil,
        will: Will? = nil
    ) -> Client {
        let client = open()
        client.connect(
            identifier,
            version,
            isCleanStart: isCleanStart,
            keepAlive: keepAlive,
            expiry: expiry,
            will: will
        )
        return client
    }

    func sweep() -> [Text] {
        directory.sweep(now: now)
        return takeWills()
    }

    /// The topics of the wills that are due.
    func takeWills() -> [Text] { directory.takeDueWills().map { $0.topic } }

    /// Queues a message for those who are to acknowledge it. True for each who has it queued.
    @discardableResult
    func queue(
        _ topic: String,
        _ payload: String = "x",
        qos: QualityOfService = .atLeastOnce,
        from publisher: Client? = nil,
        properties: Properties = Properties(),
        to clients: [Client]
    ) -> [Bool] {
        var results: [Bool] = []
        with(topic, payload, qos, properties) { packet in
            results = queue(packet, from: publisher?.session.handle, to: clients)
        }
        return results
    }

    /// Keeps a message until `release` has it delivered.
    func hold(
        _ topic: String,
        from publisher: Client? = nil,
        properties: Properties = Properties()
    ) -> HeldMessage? {
        var held: HeldMessage?
        with(topic, "x", .atLeastOnce, properties) { packet in
            held = directory.hold(packet, from: publisher?.session.handle, now: now)
        }
        return held
    }

    func release(_ held: HeldMessage, to clients: [Client]) -> [Bool] {
        defer { directory.drop(held) }
        return queue(held.packet, from: directory.publisher(of: held), held, to: clients)
    }

    private func queue(
        _ packet: PublishPacket,
        from publisher: SessionHandle?,
        _ held: HeldMessage? = nil,
        to clients: [Client]
    ) -> [Bool] {
        var outgoing = OutgoingPublish()
        var results = [Bool](repeating: false, count: clients.count)
        outgoing.begin(packet.topic, from: publisher, in: directory.subscriptions)
        if let held { outgoing.share(held, in: directory) }
        for index in 0..<outgoing.recipientCount
        where outgoing.isAcknowledged(index, published: packet.qos) {
            let handle = outgoing.recipient(index)
            guard let place = clients.firstIndex(where: { $0.session.handle == handle }),
                let deliveries = clients[place].session.deliveries
            else { continue }
            results[place] = outgoing.enqueue(packet, to: index, deliveries, now: now)
        }
        outgoing.finish()
        return results
    }

    private func with(
        _ topic: String,
        _ payload: String,
        _ qos: QualityOfService,
        _ properties: Properties,
        _ body: (PublishPacket) -> Void
    ) {
        Array(topic.utf8).withUnsafeBytes { topic in
            Array(payload.utf8).withUnsafeBytes { payload in
                properties.withView { properties in
                    body(
                        PublishPacket(
                            topic: topic,
                            payload: payload,
                            qos: qos,
                            properties: properties
                        )
                    )
                }
            }
        }
    }

    /// Who gets a message at QoS 0, by the bytes that each gets.
    func deliver(
        _ topic: String,
        _ payload: String = "x",
        from publisher: Client? = nil,
        properties: Properties = Properties(),
        to clients: [Client]
    ) -> [[UInt8]?] {
        var outgoing = OutgoingPublish()
        var results = [[UInt8]?](repeating: nil, count: clients.count)
        Array(topic.utf8).withUnsafeBytes { topic in
            Array(payload.utf8).withUnsafeBytes { payload in
                properties.withView { properties in
                    let packet = PublishPacket(
                        topic: topic,
                        payload: payload,
                        properties: properties
                    )
                    outgoing.begin(
                        topic,
                        from: publisher?.session.handle,
                        in: directory.subscriptions
                    )
                    for index in 0..<outgoing.recipientCount {
                        let handle = outgoing.recipient(index)
                        guard
                            let place = clients.firstIndex(where: { $0.session.handle == handle })
                        else { continue }
                        var output = ByteWriter()
                        if outgoing.write(
                            packet,
                            to: index,
                            session: clients[place].session,
                            output: &output
                        ) {
                            results[place] = Array(output.bytes)
                        }
                    }
                }
            }
        }
        return results
    }
}
