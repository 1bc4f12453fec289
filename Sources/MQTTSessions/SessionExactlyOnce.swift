import BrokerModel
import MQTTWire

// QoS 2 from the client: PUBLISH and PUBREL in, PUBREC and PUBCOMP out (4.3.3).
extension Session {
    /// Publishes that wait for our last word, of both qualities (MQTT 5, 3.1.2.11.3). 3.1.1 has no
    /// such limit: its clients are not read while too much waits for the disk.
    var isWithinReceiveMaximum: Bool {
        version == .v311
            || unacknowledged &+ receipts.countOfThisConnection < Int(limits.inFlightMax)
    }

    mutating func exactlyOnceReceived(
        _ packet: PublishPacket,
        output: inout ByteWriter
    ) -> SessionAction {
        guard isWithinReceiveMaximum else {
            return refuse(.receiveMaximumExceeded, output: &output)
        }
        let identifier = packet.packetIdentifier
        switch receipts.publishReceived(identifier, isDuplicate: packet.isDuplicate) {
        case nil: return refuse(.quotaExceeded, output: &output)
        case .append: return .publish(packet, inFlight.append(identifier, .pubrec))
        case .acknowledge:
            // Behind the answers that are due for earlier packets.
            answer(identifier, .pubrecAgain, output: &output)
            return .repeated
        case .wait: return .repeated
        case .refuse: return refuse(.protocolError, output: &output)
        }
    }

    mutating func releaseReceived(
        _ frame: PacketFrame,
        output: inout ByteWriter
    ) throws(MQTTWireError) -> SessionAction {
        let packet = try PublishReply(frame, version: version)
        let identifier = packet.packetIdentifier
        switch receipts.releaseReceived(identifier) {
        case .wait: return .handled
        case .record(let receipt):
            // Without a session to come back to, nobody can ask for this receipt after a crash.
            guard isDurable else {
                receipts.released(identifier)
                answer(identifier, .pubcomp, output: &output)
                return .handled
            }
            let ticket = inFlight.append(identifier, .pubcomp)
            let released = OutstandingReceipt(packetIdentifier: identifier, receipt: receipt)
            return .release(released, ticket)
        case nil:
            let reply = PublishReply(
                .pubcomp,
                packetIdentifier: identifier,
                reasonCode: .packetIdentifierNotFound
            )
            write(to: &output) { output, version in reply.write(to: &output, version: version) }
            return .handled
        }
    }

    /// An answer that waits for no disk, only for its turn.
    private mutating func answer(
        _ identifier: UInt16,
        _ answer: InFlightPublishes.Answer,
        output: inout ByteWriter
    ) {
        _ = inFlight.append(identifier, answer, .stored)
        answerInOrder(output: &output)
    }

    /// Writes what is due, in order.
    mutating func answerInOrder(output: inout ByteWriter) {
        let isConnected = isConnected
        while let slot = inFlight.popSettled() {
            if slot.answer == .puback { unacknowledged &-= 1 }
            guard isConnected, slot.outcome == .stored else { continue }
            output.writePublishReply(slot.reply, packetIdentifier: slot.packetIdentifier)
        }
    }

    /// The receipts learn at once what the log says; the answer waits for its turn.
    mutating func settle(_ ticket: PublishTicket, _ outcome: InFlightPublishes.Outcome) {
        guard let slot = inFlight.settle(ticket, outcome) else { return }
        let (identifier, isStored) = (slot.packetIdentifier, outcome == .stored)
        switch slot.answer {
        case .puback, .pubrecAgain: return
        case .pubrec where isStored: receipts.stored(identifier)
        case .pubrec: receipts.notStored(identifier)
        case .pubcomp where isStored: receipts.released(identifier)
        case .pubcomp: receipts.releaseFailed(identifier)
        }
    }
}

// What the owner and the directory tell.
extension Session {
    /// True when the session outlives its connection, and so must what it has been told.
    public var isDurable: Bool { expiryInterval > 0 }

    /// Whether any QoS 2 exchange is not over.
    public var hasReceipts: Bool { !receipts.isEmpty }

    /// The number under which a QoS 2 publish will be stored.
    public func numbered(_ packetIdentifier: UInt16, _ receipt: UInt64) {
        receipts.numbered(packetIdentifier, receipt)
    }

    /// A publish with a ticket, or a release, did not reach the log. The connection ends with it.
    public mutating func failed(_ ticket: PublishTicket) {
        settle(ticket, .failed)
    }

    /// The session's receipts, of this connection from now on.
    mutating func take(_ receipts: ExactlyOnceReceipts) {
        receipts.connectionChanged()
        self.receipts = receipts
    }
}

extension InFlightPublishes.Slot {
    fileprivate var reply: PacketType {
        switch answer {
        case .puback: .puback
        case .pubrec, .pubrecAgain: .pubrec
        case .pubcomp: .pubcomp
        }
    }
}
