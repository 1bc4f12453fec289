import BrokerModel
import MQTTSessions
import MQTTWire

/// One connection of a test.
final class Client {
    /// A publish as the session handed it on.
    struct Publish: Equatable {
        var topic: Text
        var payload: [UInt8]
        var ticket: PublishTicket?
    }

    /// A release as the session handed it on.
    struct Release: Equatable {
        var identifier: UInt16
        var receipt: UInt64
        var ticket: PublishTicket
    }

    let broker: Broker
    var session: Session
    /// What was sent to the client since `takeOutput`.
    private var output = ByteWriter()
    private(set) var publishes: [Publish] = []
    private(set) var releases: [Release] = []
    private(set) var end: SessionEnd?
    private(set) var replaced: UInt64?
    /// Leaves CONNACK to the test.
    var holdsConnack = false

    init(_ broker: Broker, connection: UInt64) {
        self.broker = broker
        session = Session(
            connection: connection,
            limits: broker.limits,
            memory: broker.memory,
            now: broker.now
        )
    }

    var isConnected: Bool { session.isConnected }
    var mayRead: Bool { session.mayRead }
    var deadline: MonotonicTime? { session.deadline }
    var inFlightCount: Int { session.inFlightCount }

    func takeOutput() -> [UInt8] {
        defer { output.removeAll() }
        return Array(output.bytes)
    }

    @discardableResult
    func send(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
        var packets = ByteWriter()
        body(&packets)
        return send(Array(packets.bytes))
    }

    /// Feeds bytes until nothing more happens. Returns what was answered.
    @discardableResult
    func send(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            var goesOn = true
            while goesOn, end == nil {
                goesOn = step(
                    session.receive(from: &reader, now: broker.now, output: &output)
                )
            }
        }
        return takeOutput()
    }

    /// False when there is nothing more to do.
    private func step(_ action: SessionAction) -> Bool {
        switch action {
        case .handled, .repeated: return true
        case .needBytes, .pause: return false
        case .release(let released, let ticket):
            releases.append(
                Release(
                    identifier: released.packetIdentifier,
                    receipt: released.receipt,
                    ticket: ticket
                )
            )
            return true
        case .publish(let packet, let ticket):
            if packet.qos == .exactlyOnce {
                let number = broker.directory.takeReceiptNumber()
                session.numbered(packet.packetIdentifier, number)
            }
            publishes.append(
                Publish(
                    topic: Text(packet.topic),
                    payload: Array(packet.payload),
                    ticket: ticket
                )
            )
            return true
        case .consultDirectory(let frame):
            switch broker.directory.handle(
                frame,
                session: &session,
                now: broker.now,
                output: &output
            )
            {
            case .handled: return true
            case .accepted(let replacing):
                replaced = replacing
                if !holdsConnack { session.sendConnack(now: broker.now, output: &output) }
                return true
            case .close(let end): return step(.close(end))
            }
        case .close(let end):
            closed(end)
            return false
        }
    }

    func closed(_ end: SessionEnd) {
        self.end = end
        broker.directory.ended(session, end, now: broker.now)
    }

    @discardableResult
    func connect(
        _ identifier: Text,
        _ version: ProtocolVersion = .v5,
        isCleanStart: Bool = true,
        keepAlive: UInt16 = 60,
        expiry: UInt32? = nil,
        will: Will? = nil,
        change: (inout ConnectPacket) -> Void = { _ in }
    ) -> ConnackPacket? {
        var packet = ConnectPacket(
            version: version,
            clientIdentifier: identifier,
            isCleanStart: isCleanStart,
            keepAlive: keepAlive,
            will: will
        )
        if let expiry { packet.properties.append(.sessionExpiryInterval, expiry) }
        change(&packet)
        let answer = send { packet.write(to: &$0) }
        return try? read(answer) { frame throws(MQTTWireError) in
            try ConnackPacket(frame, version: version)
        }
    }

    @discardableResult
    func subscribe(
        _ filters: Text...,
        options: SubscriptionOptions = .init(),
        identifier: UInt32? = nil
    ) -> [ReasonCode] {
        var packet = SubscribePacket(
            packetIdentifier: 1,
            requests: filters.map { .init($0, options) }
        )
        if let identifier { packet.properties.append(.subscriptionIdentifier, identifier) }
        let answer = send { packet.write(to: &$0, version: session.version) }
        return reasonCodes(answer)
    }

    func unsubscribe(_ filters: Text...) -> [ReasonCode] {
        let packet = UnsubscribePacket(packetIdentifier: 2, filters: filters)
        return reasonCodes(send { packet.write(to: &$0, version: session.version) })
    }

    private func reasonCodes(_ answer: [UInt8]) -> [ReasonCode] {
        let reply = try? read(answer) { frame throws(MQTTWireError) in
            try SubscriptionReply(frame, version: session.version)
        }
        return reply?.reasonCodes ?? []
    }

    /// Publishes and returns what was answered at once.
    @discardableResult
    func publish(
        _ topic: String,
        qos: QualityOfService = .atMostOnce,
        packetIdentifier: UInt16 = 1,
        isRetained: Bool = false,
        isDuplicate: Bool = false,
        properties: Properties = Properties()
    ) -> [UInt8] {
        send { output in
            Array(topic.utf8).withUnsafeBytes { topic in
                properties.withView { properties in
                    PublishPacket(
                        topic: topic,
                        payload: .init(start: nil, count: 0),
                        qos: qos,
                        packetIdentifier: packetIdentifier,
                        isRetained: isRetained,
                        isDuplicate: isDuplicate,
                        properties: properties
                    ).write(to: &output, version: session.version)
                }
            }
        }
    }

    /// Reports one of the publishes stored, by its place, and returns the answer.
    func stored(_ place: Int) -> [UInt8] {
        guard let ticket = publishes[place].ticket else { return [] }
        session.appended(ticket, now: broker.now, output: &output)
        return takeOutput()
    }

    /// Reports one of the publishes failed: it did not reach the log.
    func storingFailed(_ place: Int) {
        if let ticket = publishes[place].ticket { session.failed(ticket) }
    }

    /// Sends PUBREL and returns what was answered at once.
    @discardableResult
    func release(_ identifier: UInt16) -> [UInt8] {
        send { $0.writePublishReply(.pubrel, packetIdentifier: identifier) }
    }

    /// Reports one of the releases written down, by its place, and returns the answer.
    func released(_ place: Int) -> [UInt8] {
        session.appended(releases[place].ticket, now: broker.now, output: &output)
        return takeOutput()
    }

    func storedThrough(_ place: Int) -> [UInt8] {
        guard let ticket = publishes[place].ticket else { return [] }
        session.appended(through: ticket, now: broker.now, output: &output)
        return takeOutput()
    }

    func disconnect(_ reasonCode: ReasonCode = .success, expiry: UInt32? = nil) {
        var packet = DisconnectPacket(reasonCode)
        if let expiry { packet.properties.append(.sessionExpiryInterval, expiry) }
        send { packet.write(to: &$0, version: session.version) }
    }

    func lose() { closed(session.connectionLost()) }

    /// Lets the deadline pass, if it has. Returns what was answered.
    func checkDeadline() -> [UInt8] {
        if let end = session.deadlinePassed(now: broker.now, output: &output) { closed(end) }
        return takeOutput()
    }

    // MARK: Deliveries at QoS 1

    struct Delivery: Equatable {
        var topic: Text = "a"
        var payload: Text = "x"
        var packetIdentifier: UInt16
        var isDuplicate = false
    }

    private(set) var lastOutcome = Deliveries.Outcome()

    /// What is sent now, as bytes; nothing when the output refuses it.
    func sendDeliveries(
        room: Int = .max,
        isOutputEmpty: Bool = true,
        isRefused: Bool = false
    ) -> [UInt8] {
        lastOutcome = session.sendDeliveries(
            room: room,
            isOutputEmpty: isOutputEmpty,
            now: broker.now,
            output: &output
        )
        guard isRefused else { return takeOutput() }
        session.takeBack(lastOutcome)
        output.removeAll()
        return []
    }

    /// What is sent now.
    func deliveries(room: Int = .max, isRefused: Bool = false) -> [Delivery] {
        let bytes = sendDeliveries(room: room, isRefused: isRefused)
        return bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            var found: [Delivery] = []
            while case .packet(let frame) = try? reader.readPacket(sizeMax: .max) {
                guard let packet = try? PublishPacket(frame, version: session.version),
                    packet.qos == .atLeastOnce
                else { return [] }
                found.append(
                    Delivery(
                        topic: Text(packet.topic),
                        payload: Text(packet.payload),
                        packetIdentifier: packet.packetIdentifier,
                        isDuplicate: packet.isDuplicate
                    )
                )
            }
            return found
        }
    }

    func acknowledge(_ packetIdentifiers: UInt16...) {
        for number in packetIdentifiers {
            send([0x40, 2, UInt8(number >> 8), UInt8(number & 0xff)])
        }
    }

    func takeOver() -> [UInt8] {
        closed(session.takenOver(output: &output))
        return takeOutput()
    }

    func refuse(_ reason: ReasonCode) -> [UInt8] {
        closed(session.refuseClient(reason, output: &output))
        return takeOutput()
    }

    func stopServer() -> [UInt8] {
        closed(session.serverShuttingDown(output: &output))
        return takeOutput()
    }

    func sendConnack() -> [UInt8] {
        session.sendConnack(now: broker.now, output: &output)
        return takeOutput()
    }

    private func read<Packet>(
        _ bytes: [UInt8],
        _ body: (PacketFrame) throws(MQTTWireError) -> Packet
    ) throws(MQTTWireError) -> Packet? {
        let result = bytes.withUnsafeBytes { raw -> Result<Packet?, MQTTWireError> in
            do throws(MQTTWireError) {
                var reader = ByteReader(raw)
                guard case .packet(let frame) = try reader.readPacket(sizeMax: .max) else {
                    return .success(nil)
                }
                return .success(try body(frame))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
