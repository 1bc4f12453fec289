import BrokerModel
import MQTTWire

/// One publishing connection: sends what window and schedule allow, and checks each
/// acknowledgement.
final class Publisher {
    /// What one message in flight waits for.
    private enum Waiting: UInt8 { case nothing, puback, pubrec, pubcomp }

    private struct Slot {
        var time: Int64 = 0
        var identifier: UInt16 = 0
        var waiting = Waiting.nothing
    }

    let connection: LoadSocket
    private(set) var counts = LoadCounts()
    private(set) var inFlight = 0
    /// Messages sent, and so the next one's sequence number.
    private(set) var sequence = 0
    private(set) var isFinished = false

    private let plan: LoadPlan
    private let index: Int
    private let window: Int
    private let head: [UInt8]
    private let packetBytes: Int
    private let slots: UnsafeMutablePointer<Slot>
    private let slotMask: Int
    /// The digits of device, sequence and time, as the payload shows them.
    private let digits: UnsafeMutablePointer<UInt8>
    private var digitsTime: Int64 = -1
    private var nextIdentifier: UInt16 = 1
    private var nextReply: UInt16 = 1
    private var nextCompletion: UInt16 = 1
    private var isLastSent = false

    init(_ handshake: MQTTHandshake, _ plan: LoadPlan, index: Int) {
        connection = handshake.socket
        self.plan = plan
        self.index = index
        window = min(plan.window, handshake.receiveMaximum)
        var topic = ByteWriter()
        topic.writeInteger(UInt16(plan.topic(of: index).utf8.count))
        topic.writeUTF8(plan.topic(of: index))
        let extra = (plan.qos == .atMostOnce ? 0 : 2) + (plan.version == .v5 ? 1 : 0)
        var head = ByteWriter()
        head.writeByte(PacketType.publish.rawValue << 4 | plan.qos.rawValue << 1)
        head.writeVariableByteInteger(topic.count + extra + plan.payloadBytes)
        head.writeBytes(topic.bytes)
        self.head = [UInt8](head.bytes)
        packetBytes = head.count + extra + plan.payloadBytes
        var size = 2
        while size < 2 * window { size *= 2 }
        slotMask = size - 1
        slots = .allocate(capacity: size)
        slots.initialize(repeating: Slot(), count: size)
        digits = .allocate(capacity: Self.digitsCount)
        Digits.write(
            PayloadPattern.deviceBase + index,
            count: PayloadPattern.deviceDigits,
            to: digits
        )
        Digits.write(
            PayloadPattern.sequenceBase,
            count: PayloadPattern.sequenceDigits,
            to: digits + Self.sequencePlace
        )
    }

    deinit {
        slots.deallocate()
        digits.deallocate()
    }

    /// When the next message is due; now, without a schedule.
    func dueTime(startedAt start: Int64) -> Int64 {
        guard let rate = plan.rate else { return start }
        let position = Double(sequence) * Double(plan.publishers) + Double(index)
        return start + Int64(position * 1e9 / rate)
    }

    /// Sends all that may leave now. `isEnding`: no more after what is in flight.
    func pump(
        now: Int64,
        startedAt start: Int64,
        isEnding: Bool,
        pattern: borrowing PayloadPattern,
        scratch: UnsafeMutableRawBufferPointer
    ) {
        let quota = plan.messages ?? .max
        // A burst for each free place, but not for ever: other connections wait.
        for _ in 0..<4 {
            guard connection.isOpen, connection.isDrained, !isEnding, sequence < quota else {
                break
            }
            let size = fill(scratch, pattern, now: now, start: start, quota: quota)
            guard size > 0 else { break }
            connection.send(UnsafeRawBufferPointer(rebasing: scratch[..<size]))
        }
        finishIfDone(isEnding || sequence >= quota)
        let wantsRoom = plan.qos == .atMostOnce && plan.rate == nil && !isLastSent
        connection.watchOutput(!connection.isDrained || wantsRoom)
    }

    private func fill(
        _ scratch: UnsafeMutableRawBufferPointer,
        _ pattern: borrowing PayloadPattern,
        now: Int64,
        start: Int64,
        quota: Int
    ) -> Int {
        guard var target = scratch.baseAddress else { return 0 }
        let first = target
        let last = target + (scratch.count &- packetBytes)
        while target <= last, sequence < quota {
            var time = now
            if plan.rate != nil {
                time = dueTime(startedAt: start)
                guard time <= now else { break }
            }
            if plan.qos != .atMostOnce {
                let slot = slots + (Int(nextIdentifier) & slotMask)
                guard inFlight < window, slot.pointee.waiting == .nothing else { break }
                let waiting: Waiting = plan.qos == .atLeastOnce ? .puback : .pubrec
                slot.pointee = Slot(time: time, identifier: nextIdentifier, waiting: waiting)
                inFlight &+= 1
            }
            write(pattern, time: time, to: &target)
            sequence &+= 1
        }
        return target - first
    }

    @inline(__always)
    private func write(
        _ pattern: borrowing PayloadPattern,
        time: Int64,
        to target: inout UnsafeMutableRawPointer
    ) {
        head.withUnsafeBytes { head in
            guard let start = head.baseAddress else { return }
            target.copyMemory(from: start, byteCount: head.count)
            target += head.count
        }
        if plan.qos != .atMostOnce {
            target.storeBytes(of: nextIdentifier.bigEndian, as: UInt16.self)
            target += 2
            nextIdentifier = Self.following(nextIdentifier)
        }
        if plan.version == .v5 {
            target.storeBytes(of: 0, as: UInt8.self)  // No properties.
            target += 1
        }
        if time != digitsTime {
            digitsTime = time
            let value = PayloadPattern.timeBase &+ Int(time)
            Digits.write(value, count: PayloadPattern.timeDigits, to: digits + Self.timePlace)
        }
        pattern.write(
            device: digits,
            variant: PayloadPattern.variant(device: index, sequence: sequence),
            sequence: digits + Self.sequencePlace,
            time: digits + Self.timePlace,
            to: target
        )
        Digits.increment(digits + Self.sequencePlace, count: PayloadPattern.sequenceDigits)
        target += pattern.size
    }

    /// Takes all whole packets, writes what they ask for to `replies`, and says what it consumed.
    func received(
        _ input: UnsafeRawBufferPointer,
        now: Int64,
        latencies: inout LatencyRecord,
        replies: inout ByteWriter
    ) -> Int {
        let consumed = PacketWalk.each(in: input) { packet in
            switch packet.type {
            case .puback: take(packet, as: .puback, now, &latencies)
            case .pubrec:
                take(packet, as: .pubrec, now, &latencies)
                if packet.reason < 0x80, let identifier = packet.identifier {
                    replies.writePublishReply(.pubrel, packetIdentifier: identifier)
                }
            case .pubcomp: take(packet, as: .pubcomp, now, &latencies)
            case .pingresp where isLastSent: isFinished = true
            default: counts.unexpectedPackets += 1
            }
        }
        guard let consumed else {
            counts.unexpectedPackets += 1
            connection.close()
            return input.count
        }
        return consumed
    }

    @inline(__always)
    private func take(
        _ packet: PacketWalk,
        as waiting: Waiting,
        _ now: Int64,
        _ latencies: inout LatencyRecord
    ) {
        guard let identifier = packet.identifier else { return counts.wrongAcknowledgements += 1 }
        let slot = slots + (Int(identifier) & slotMask)
        guard slot.pointee.identifier == identifier, slot.pointee.waiting == waiting else {
            return counts.wrongAcknowledgements += 1
        }
        checkOrder(of: identifier, waiting)
        if waiting == .pubrec, packet.reason < 0x80 {
            slot.pointee.waiting = .pubcomp
            return
        }
        if packet.reason < 0x80 {
            counts.acknowledged &+= 1
            latencies.record(now &- slot.pointee.time)
        } else {
            counts.refusedMessages += 1
        }
        slot.pointee.waiting = .nothing
        inFlight &-= 1
    }

    /// PUBACK, PUBREC and PUBCOMP come in the order of what they answer (MQTT 5, 4.6.0).
    @inline(__always)
    private func checkOrder(of identifier: UInt16, _ waiting: Waiting) {
        let expected = waiting == .pubcomp ? nextCompletion : nextReply
        if identifier != expected { counts.disorderedAcknowledgements += 1 }
        if waiting == .pubcomp {
            nextCompletion = Self.following(identifier)
        } else {
            nextReply = Self.following(identifier)
        }
    }

    /// At QoS 0 the answer to a PINGREQ behind the last message says that all before it arrived.
    private func finishIfDone(_ isAllSent: Bool) {
        guard isAllSent else { return }
        if !isLastSent {
            isLastSent = true
            if plan.qos == .atMostOnce {
                withUnsafeBytes(of: UInt16(0xc000).bigEndian) { connection.send($0) }
            }
        }
        if plan.qos != .atMostOnce, inFlight == 0 { isFinished = true }
    }

    /// DISCONNECT, if it still can be sent.
    func disconnect() {
        var packet = ByteWriter()
        DisconnectPacket(.success).write(to: &packet, version: plan.version)
        connection.send(packet.bytes)
    }

    @inline(__always)
    private static func following(_ identifier: UInt16) -> UInt16 {
        identifier == .max ? 1 : identifier &+ 1
    }

    private static let sequencePlace = PayloadPattern.deviceDigits
    private static let timePlace = sequencePlace + PayloadPattern.sequenceDigits
    private static let digitsCount = timePlace + PayloadPattern.timeDigits
}
