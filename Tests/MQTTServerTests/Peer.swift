import BrokerModel
import Posix
import Testing

/// An MQTT client that writes and reads byte by byte, and does nothing by itself.
final class Peer {
    enum Kind: UInt8 {
        case connack = 2
        case publish = 3
        case puback = 4
        case pubrec = 5
        case pubcomp = 7
        case suback = 9
        case pingresp = 13
        case disconnect = 14
    }

    struct Packet: Equatable {
        let kind: Kind
        let flags: UInt8
        let body: [UInt8]

        /// The packet identifier that a PUBACK begins with.
        var identifier: UInt16 { UInt16(body[0]) << 8 | UInt16(body[1]) }
        /// The topic of a PUBLISH.
        var topic: String {
            let length = Int(body[0]) << 8 | Int(body[1])
            return String(decoding: body[2..<2 + length], as: UTF8.self)
        }
        /// The packet identifier of a PUBLISH at QoS 1.
        var publishIdentifier: UInt16 {
            let place = 2 + topic.utf8.count
            return UInt16(body[place]) << 8 | UInt16(body[place + 1])
        }
        /// The payload of a PUBLISH at QoS 1 in 3.1.1.
        var payload: [UInt8] { Array(body[(4 + topic.utf8.count)...]) }
        var isDuplicate: Bool { flags & 0b1000 != 0 }
    }

    private let socket: ClientSocket
    private var unread: [UInt8] = []
    private var consumed = 0

    init(_ socket: consuming ClientSocket) { self.socket = socket }

    // MARK: Writing

    func send(_ bytes: [UInt8]) throws { try socket.write(bytes) }

    /// Sends CONNECT, 3.1.1 unless told otherwise, with a clean session unless told otherwise.
    func sendConnect(
        _ name: String,
        isVersion5: Bool = false,
        isClean: Bool = true,
        will: String? = nil
    ) throws {
        let flags: UInt8 = (isClean ? 2 : 0) | (will == nil ? 0 : 4)
        var body = Self.field("MQTT") + [isVersion5 ? 5 : 4, flags, 0, 0]
        if isVersion5 { body.append(0) }
        body += Self.field(name)
        if let will {
            if isVersion5 { body.append(0) }
            body += Self.field(will) + Self.field("gone")
        }
        try send(Self.packet(0x10, body))
    }

    /// Connects, and waits for a CONNACK that accepts.
    func connect(
        _ name: String,
        isVersion5: Bool = false,
        isClean: Bool = true,
        will: String? = nil
    ) throws {
        try sendConnect(name, isVersion5: isVersion5, isClean: isClean, will: will)
        try expectConnack()
    }

    func expectConnack() throws {
        let packet = try #require(try next())
        #expect(packet.kind == .connack)
        #expect(packet.body[1] == 0)
    }

    /// At QoS 1 with an identifier, else at QoS 0. For 3.1.1.
    func publish(_ topic: String, _ payload: [UInt8] = [1], identifier: UInt16? = nil) throws {
        try send(Self.publish(topic, payload, identifier: identifier))
    }

    static func publish(_ topic: String, _ payload: [UInt8], identifier: UInt16?) -> [UInt8] {
        let number = identifier.map { [UInt8($0 >> 8), UInt8($0 & 0xff)] } ?? []
        return packet(identifier == nil ? 0x30 : 0x32, field(topic) + number + payload)
    }

    func subscribe(_ filter: String, qos: UInt8 = 0) throws {
        try send(Self.packet(0x82, [0, 1] + Self.field(filter) + [qos]))
        let packet = try #require(try next())
        #expect(packet.kind == .suback)
        #expect(packet.body.last == qos)
    }

    func publishOnce(_ payload: [UInt8], identifier: UInt16, again: Bool = false) throws {
        var bytes = Self.publish("t", payload, identifier: identifier)
        bytes[0] = again ? 0x3c : 0x34
        try send(bytes)
    }

    /// PUBREL.
    func release(_ identifier: UInt16) throws {
        try send([0x62, 2, UInt8(identifier >> 8), UInt8(identifier & 0xff)])
    }

    func acknowledge(_ packet: Packet) throws {
        let number = packet.publishIdentifier
        try send([0x40, 2, UInt8(number >> 8), UInt8(number & 0xff)])
    }

    func sendPing() throws { try send([0xc0, 0]) }
    func sendDisconnect() throws { try send([0xe0, 0]) }

    private static func field(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        return [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes
    }

    private static func packet(_ first: UInt8, _ body: [UInt8]) -> [UInt8] {
        var length = body.count
        var header = [first]
        repeat {
            header.append(UInt8(length & 0x7f) | (length > 0x7f ? 0x80 : 0))
            length >>= 7
        } while length > 0
        return header + body
    }

    // MARK: Reading

    /// The next packet; nil at the connection's end.
    func next() throws -> Packet? {
        while true {
            if let packet = try takePacket() { return packet }
            guard try readMore(timeout: testDeadline) else { return nil }
        }
    }

    /// Packets up to and with the first that the condition takes; without it at the end.
    func read(until isLast: (Packet) -> Bool) throws -> [Packet] {
        var packets: [Packet] = []
        while let packet = try next() {
            packets.append(packet)
            if isLast(packet) { break }
        }
        return packets
    }

    /// Whether nothing at all has come. Proves something only once what might have come has left.
    func hasNothing() throws -> Bool {
        guard consumed == unread.count else { return false }
        do throws(PosixError) {
            _ = try readMore(timeout: .milliseconds(1))
            return false
        } catch {
            guard error.code == ErrorCode.timedOut else { throw error }
            return true
        }
    }

    /// False at the connection's end, be it a reset.
    private func readMore(timeout: Duration) throws(PosixError) -> Bool {
        do throws(PosixError) {
            let more = try socket.read(max: 65_536, timeout: timeout)
            unread.removeFirst(consumed)
            consumed = 0
            unread += more
            return !more.isEmpty
        } catch {
            guard error.code == ErrorCode.connectionReset else { throw error }
            return false
        }
    }

    private func takePacket() throws -> Packet? {
        var position = consumed + 1
        var length = 0
        var shift = 0
        while true {
            guard position < unread.count else { return nil }
            let byte = unread[position]
            position += 1
            length |= Int(byte & 0x7f) << shift
            shift += 7
            if byte & 0x80 == 0 { break }
        }
        guard position + length <= unread.count else { return nil }
        let kind = try #require(Kind(rawValue: unread[consumed] >> 4))
        defer { consumed = position + length }
        return Packet(
            kind: kind,
            flags: unread[consumed] & 15,
            body: Array(unread[position..<position + length])
        )
    }
}
