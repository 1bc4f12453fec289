import BrokerModel
import MQTTWire

/// One subscribing connection: checks that each publisher's messages come whole, once, in order.
final class Subscriber {
    let connection: LoadSocket
    private(set) var ledger: DeliveryLedger
    private(set) var corrupt = 0
    private(set) var unexpectedPackets = 0
    private let plan: LoadPlan
    private let topicStart: [UInt8]

    init(_ handshake: MQTTHandshake, _ plan: LoadPlan) {
        connection = handshake.socket
        self.plan = plan
        ledger = DeliveryLedger(publishers: plan.publishers)
        topicStart = [UInt8](plan.filter.utf8.dropLast())
    }

    /// Takes all whole packets, writes what they ask for to `replies`, and says what it consumed.
    func received(
        _ input: UnsafeRawBufferPointer,
        now: Int64,
        pattern: borrowing PayloadPattern,
        latencies: inout LatencyRecord,
        replies: inout ByteWriter
    ) -> Int {
        let consumed = PacketWalk.each(in: input) { packet in
            switch packet.type {
            case .publish: take(packet, now, pattern, &latencies, &replies)
            case .pubrel:
                guard let identifier = packet.identifier else { return unexpectedPackets += 1 }
                replies.writePublishReply(.pubcomp, packetIdentifier: identifier)
            default: unexpectedPackets += 1
            }
        }
        guard let consumed else {
            unexpectedPackets += 1
            connection.close()
            return input.count
        }
        return consumed
    }

    @inline(__always)
    private func take(
        _ packet: PacketWalk,
        _ now: Int64,
        _ pattern: borrowing PayloadPattern,
        _ latencies: inout LatencyRecord,
        _ replies: inout ByteWriter
    ) {
        let qos = packet.first >> 1 & 3
        guard let payload = payload(of: packet, qos: qos, &replies),
            let stamp = pattern.stamp(of: payload), stamp.device >= 0,
            stamp.device < plan.publishers, stamp.sequence >= 0
        else { return corrupt += 1 }
        ledger.record(publisher: stamp.device, sequence: stamp.sequence)
        latencies.record(now &- stamp.time)
    }

    /// The payload of a PUBLISH on one of our topics, after its acknowledgement was written.
    @inline(__always)
    private func payload(
        of packet: PacketWalk,
        qos: UInt8,
        _ replies: inout ByteWriter
    ) -> UnsafeRawBufferPointer? {
        let body = packet.body
        guard body.count >= 2, let start = body.baseAddress else { return nil }
        let topicBytes = Int(UInt16(bigEndian: body.loadUnaligned(as: UInt16.self)))
        var place = 2 &+ topicBytes
        guard topicBytes >= topicStart.count, place &+ 3 <= body.count else { return nil }
        let topic = UnsafeRawBufferPointer(start: start + 2, count: topicStart.count)
        guard topicStart.withUnsafeBytes({ topic.elementsEqualBytes($0) }) else { return nil }
        if qos > 0 {
            let identifier = (start + place).loadUnaligned(as: UInt16.self)
            let type: PacketType = qos == 1 ? .puback : .pubrec
            replies.writePublishReply(type, packetIdentifier: UInt16(bigEndian: identifier))
            place &+= 2
        }
        if plan.version == .v5 {
            // A subscriber without options gets no property longer than a byte's worth.
            guard body[place] < 0x80 else { return nil }
            place &+= 1 &+ Int(body[place])
        }
        guard place <= body.count else { return nil }
        return UnsafeRawBufferPointer(start: start + place, count: body.count &- place)
    }
}
