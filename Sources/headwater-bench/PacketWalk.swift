import MQTTWire

/// Walks whole MQTT packets on a bare pointer: the hot half of a load generator.
struct PacketWalk {
    let first: UInt8
    let body: UnsafeRawBufferPointer

    var type: PacketType? { PacketType(rawValue: first >> 4) }

    /// The packet identifier of an acknowledgement.
    var identifier: UInt16? {
        guard body.count >= 2 else { return nil }
        return UInt16(bigEndian: body.loadUnaligned(as: UInt16.self))
    }

    /// The reason of an acknowledgement; success where none is written (MQTT 5, 3.4.2.1).
    var reason: UInt8 { body.count > 2 ? body[2] : 0 }

    /// Lends each whole packet to `body`, and says how many bytes they took; nil when bytes come
    /// that are no packets.
    @inline(__always)
    static func each(in input: UnsafeRawBufferPointer, _ body: (PacketWalk) -> Void) -> Int? {
        guard let start = input.baseAddress else { return 0 }
        var place = 0
        while place &+ 2 <= input.count {
            var (length, shift, at) = (0, 0, place &+ 1)
            while true {
                guard at < input.count else { return place }
                let byte = input[at]
                length |= Int(byte & 0x7f) &<< shift
                at &+= 1
                if byte < 0x80 { break }
                shift &+= 7
                guard shift < 28 else { return nil }
            }
            guard length <= input.count &- at else { return place }
            let content = UnsafeRawBufferPointer(start: start + at, count: length)
            body(PacketWalk(first: input[place], body: content))
            place = at &+ length
        }
        return place
    }
}
