import BrokerModel
import HeadwaterTesting
import MQTTWire
import Testing

@Suite struct MalformedPacketTests {
    private func connect(_ bytes: [UInt8]) throws -> ConnectPacket {
        try withFrame(bytes) { try ConnectPacket($0) }
    }

    private func connect(level: Int, flags: Int, _ rest: [UInt8] = [0, 0]) throws {
        _ = try connect(
            bytes(0x10, 10 + rest.count, 0, 4, "MQTT", level, flags, 0, 60, rest)
        )
    }

    @Test func `MQTT 3.1 and unknown levels are told apart from what is no MQTT`() {
        #expect(throws: MQTTWireError.unsupportedProtocolLevel(3)) {
            try connect(bytes(0x10, 14, 0, 6, "MQIsdp", 3, 2, 0, 60, 0, 0))
        }
        for level in [0, 3, 6, 0x84] {
            #expect(throws: MQTTWireError.unsupportedProtocolLevel(UInt8(level))) {
                try connect(level: level, flags: 2)
            }
        }
        #expect(throws: MQTTWireError.notMQTT) {
            try connect(bytes(0x10, 12, 0, 4, "mqtt", 4, 2, 0, 60, 0, 0))
        }
        #expect(MQTTWireError.notMQTT.reasonCode == .unsupportedProtocolVersion)
    }

    @Test func `connect flags that 3.1.2 forbids are malformed`() {
        #expect(throws: MQTTWireError.reservedConnectFlags) { try connect(level: 4, flags: 0x03) }
        #expect(throws: MQTTWireError.reservedConnectFlags) { try connect(level: 4, flags: 0x0a) }
        #expect(throws: MQTTWireError.reservedConnectFlags) { try connect(level: 4, flags: 0x22) }
        #expect(throws: MQTTWireError.reservedQoS) { try connect(level: 4, flags: 0x1e) }
        // Only MQTT 5 allows a password without a user name (3.1.2.9).
        #expect(throws: MQTTWireError.reservedConnectFlags) {
            try connect(level: 4, flags: 0x42, [0, 0, 0, 1, 0x70])
        }
        #expect(throws: Never.self) {
            try connect(level: 5, flags: 0x42, [0, 0, 0, 0, 1, 0x70])
        }
    }

    @Test func `bytes behind the last field are malformed`() {
        #expect(throws: MQTTWireError.trailingBytes) {
            try connect(level: 4, flags: 2, [0, 0, 0])
        }
        #expect(throws: MQTTWireError.trailingBytes) {
            try withFrame([0x40, 3, 0, 1, 0]) { try PublishReply($0, version: .v311) }
        }
        #expect(throws: MQTTWireError.trailingBytes) {
            try withFrame([0xe0, 1, 0]) { try DisconnectPacket($0, version: .v311) }
        }
        #expect(throws: MQTTWireError.trailingBytes) {
            try withFrame([0x20, 3, 0, 0, 0]) { try ConnackPacket($0, version: .v311) }
        }
    }

    @Test func `authentication data needs a method`() {
        #expect(throws: MQTTWireError.authenticationDataWithoutMethod) {
            try connect(level: 5, flags: 2, [4, 0x16, 0, 1, 1, 0, 0])
        }
    }

    @Test func `a subscription without a filter is a protocol error`() {
        #expect(throws: MQTTWireError.noTopicFilter) {
            try withFrame([0x82, 2, 0, 1]) { try SubscribePacket($0, version: .v311) }
        }
        #expect(throws: MQTTWireError.noTopicFilter) {
            try withFrame([0xa2, 3, 0, 1, 0]) { try UnsubscribePacket($0, version: .v5) }
        }
    }

    @Test func `reserved subscription options are malformed`() {
        for options in 0..<256 {
            let packet = bytes(0x82, 7, 0, 1, 0, 0, 1, "a", options)
            let isLegal = options & 0xc0 == 0 && options & 3 != 3 && options & 0x30 != 0x30
            if isLegal {
                #expect(throws: Never.self) {
                    try withFrame(packet) { try SubscribePacket($0, version: .v5) }
                }
            } else {
                #expect(throws: MQTTWireError.reservedSubscriptionOptions) {
                    try withFrame(packet) { try SubscribePacket($0, version: .v5) }
                }
            }
            let older = bytes(0x82, 6, 0, 1, 0, 1, "a", options)
            if options > 2 {
                #expect(throws: MQTTWireError.reservedSubscriptionOptions) {
                    try withFrame(older) { try SubscribePacket($0, version: .v311) }
                }
            }
        }
    }

    @Test func `a reason code of another packet is malformed`() {
        #expect(throws: MQTTWireError.unknownReasonCode(0x92)) {
            try withFrame([0x40, 3, 0, 1, 0x92]) { try PublishReply($0, version: .v5) }
        }
        #expect(throws: MQTTWireError.unknownReasonCode(0x10)) {
            try withFrame([0xe0, 1, 0x10]) { try DisconnectPacket($0, version: .v5) }
        }
        #expect(throws: MQTTWireError.unknownReasonCode(0x7f)) {
            try withFrame([0x20, 3, 0, 0x7f, 0]) { try ConnackPacket($0, version: .v5) }
        }
        #expect(throws: MQTTWireError.unknownReasonCode(6)) {
            try withFrame([0x20, 2, 0, 6]) { try ConnackPacket($0, version: .v311) }
        }
    }
}

/// Input that nobody meant: cut, flipped and random bytes are refused or read, and never trap.
@Suite struct HostileInputTests {
    /// Valid packets of every type and version, each with all the fields it can have.
    private static let corpus: [(ProtocolVersion, [UInt8])] = {
        var properties = Properties()
        properties.append(.sessionExpiryInterval, 5)
        properties.append(userProperty: "k", "v")
        var details = Properties()
        details.append(.contentType, "text")
        details.append(.correlationData, [1, 2])
        details.append(userProperty: "k", "\u{e9}")
        var reason = Properties()
        reason.append(.reasonString, "why")
        let will = Will(topic: "w/x", payload: [1, 2, 3], delay: 4, properties: details)
        var packets: [(ProtocolVersion, [UInt8])] = []
        for version in [ProtocolVersion.v311, .v5] {
            func add(_ body: (inout ByteWriter) -> Void) {
                packets.append((version, written(body)))
            }
            let connect = ConnectPacket(
                version: version,
                clientIdentifier: "client",
                will: will,
                userName: "user",
                password: [9],
                properties: properties
            )
            add { connect.write(to: &$0) }
            add { ConnackPacket(properties: reason).write(to: &$0, version: version) }
            will.withPacket { packet in
                var packet = packet
                packet.qos = .atLeastOnce
                packet.packetIdentifier = 77
                add { packet.write(to: &$0, version: version) }
            }
            for type in [PacketType.puback, .pubrec] {
                let reply = PublishReply(
                    type,
                    packetIdentifier: 1,
                    reasonCode: .quotaExceeded,
                    properties: reason
                )
                add { reply.write(to: &$0, version: version) }
            }
            for type in [PacketType.pubrel, .pubcomp] {
                let reply = PublishReply(
                    type,
                    packetIdentifier: 1,
                    reasonCode: .packetIdentifierNotFound,
                    properties: reason
                )
                add { reply.write(to: &$0, version: version) }
            }
            let subscribe = SubscribePacket(
                packetIdentifier: 2,
                requests: [.init("a/+"), .init("#")]
            )
            add { subscribe.write(to: &$0, version: version) }
            for type in [PacketType.suback, .unsuback] {
                let reply = SubscriptionReply(
                    type,
                    packetIdentifier: 2,
                    reasonCodes: [.success, .success],
                    properties: reason
                )
                add { reply.write(to: &$0, version: version) }
            }
            let unsubscribe = UnsubscribePacket(packetIdentifier: 3, filters: ["a", "b"])
            add { unsubscribe.write(to: &$0, version: version) }
            add { $0.writeEmptyPacket(.pingreq) }
            add { DisconnectPacket(properties: properties).write(to: &$0, version: version) }
        }
        let auth = DisconnectPacket(.reauthenticate, properties: reason, type: .auth)
        packets.append((.v5, written { auth.write(to: &$0, version: .v5) }))
        return packets
    }()

    /// True when one whole packet was read; a typed error passes, any other does not.
    private func isRead(_ bytes: [UInt8], _ version: ProtocolVersion) throws -> Bool {
        do {
            try withFrame(bytes) { try readAnyPacket($0, version) }
            return true
        } catch is MQTTWireError {
            return false
        } catch is Incomplete {
            return false
        }
    }

    @Test func `every packet of the corpus is read`() throws {
        for (version, packet) in Self.corpus {
            #expect(try isRead(packet, version), "\(version) \(packet)")
        }
    }

    @Test func `a packet cut anywhere is incomplete, and says how much is missing`() throws {
        for (_, packet) in Self.corpus {
            for length in 0..<packet.count {
                try packet[..<length].withUnsafeBytes { raw in
                    var reader = ByteReader(raw)
                    guard case .incomplete(let needed) = try reader.readPacket(sizeMax: 1 << 20)
                    else {
                        Issue.record("\(length) bytes of \(packet) passed for a packet")
                        return
                    }
                    #expect(needed > length && needed <= packet.count)
                }
            }
        }
    }

    /// The length agrees with the bytes, but fields are missing at the end.
    @Test func `a body cut anywhere is refused or is a shorter packet, and never traps`() throws {
        for (version, packet) in Self.corpus {
            for length in 0..<(packet.count - 2) {
                var cut = Array(packet[..<(2 + length)])
                cut[1] = UInt8(length)
                let isRead = try isRead(cut, version)
                if packet[0] >> 4 == PacketType.connect.rawValue { #expect(!isRead) }
            }
        }
    }

    @Test func `a hundred thousand mangled packets are refused or read, and never trap`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        var readCount = 0
        for _ in 0..<100_000 {
            guard var (version, packet) = Self.corpus.randomElement(using: &generator) else {
                return
            }
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<packet.count, using: &generator)
                packet[place] = UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) { version = version == .v5 ? .v311 : .v5 }
            readCount += try isRead(packet, version) ? 1 : 0
        }
        #expect(readCount > 0 && readCount < 100_000, "seed \(seed)")
    }

    @Test func `random bytes never trap`() throws {
        var generator = SeededGenerator(seed: 20_261_101)
        for _ in 0..<100_000 {
            let count = Int.random(in: 0...40, using: &generator)
            var packet = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if count > 2 { packet[1] = UInt8(count - 2) }
            _ = try isRead(packet, .v5)
            _ = try isRead(packet, .v311)
        }
    }
}
