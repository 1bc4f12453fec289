import BrokerModel
import MQTTWire
import Testing

@Suite struct PacketFrameTests {
    /// What `readPacket` says: nil for a packet, else the bytes needed.
    private func bytesNeeded(_ bytes: [UInt8], sizeMax: Int = .max) throws -> Int? {
        try bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            switch try reader.readPacket(sizeMax: sizeMax) {
            case .packet: return nil
            case .incomplete(let bytesNeeded):
                #expect(reader.position == 0)
                return bytesNeeded
            }
        }
    }

    @Test func `the remaining length takes one to four bytes at the edges of 2.1.4`() throws {
        let edges: [(Int, [UInt8])] = [
            (0, [0]), (127, [0x7f]), (128, [0x80, 1]), (16_383, [0xff, 0x7f]),
            (16_384, [0x80, 0x80, 1]), (2_097_151, [0xff, 0xff, 0x7f]),
            (2_097_152, [0x80, 0x80, 0x80, 1]), (268_435_455, [0xff, 0xff, 0xff, 0x7f]),
        ]
        for (length, encoded) in edges {
            #expect(written { $0.writeVariableByteInteger(length) } == encoded)
            // The header alone says how many bytes the packet takes.
            let size = 1 + encoded.count + length
            let header = [0x30] + encoded
            #expect(try bytesNeeded(header) == (length == 0 ? nil : size))
        }
    }

    @Test func `a fifth length byte is malformed`() {
        #expect(throws: MQTTWireError.remainingLengthTooLong) {
            try bytesNeeded([0x30, 0xff, 0xff, 0xff, 0xff])
        }
        #expect(throws: MQTTWireError.remainingLengthTooLong) {
            try bytesNeeded([0x30, 0x80, 0x80, 0x80, 0x80, 0x01])
        }
    }

    @Test func `a longer length encoding than needed passes, as 3.1.1 allows`() throws {
        #expect(try bytesNeeded([0xc0, 0x80, 0x00]) == nil)
    }

    @Test func `an unfinished header needs one byte more`() throws {
        #expect(try bytesNeeded([]) == 2)
        #expect(try bytesNeeded([0x30]) == 2)
        #expect(try bytesNeeded([0x30, 0x80]) == 3)
        #expect(try bytesNeeded([0x30, 0x80, 0x80]) == 4)
    }

    @Test func `a packet over the limit is refused before its body arrives`() throws {
        #expect(throws: MQTTWireError.packetTooLarge(size: 102)) {
            try bytesNeeded([0x30, 100], sizeMax: 101)
        }
        #expect(try bytesNeeded([0x30, 99], sizeMax: 101) == 101)
        #expect(MQTTWireError.packetTooLarge(size: 1).reasonCode == .packetTooLarge)
    }

    @Test func `type 0 is reserved`() {
        #expect(throws: MQTTWireError.reservedPacketType) { try bytesNeeded([0x00, 0]) }
    }

    @Test func `every type but PUBLISH has fixed flags`() throws {
        for type in PacketType.allCases where type != .publish {
            let legal: UInt8 = [.pubrel, .subscribe, .unsubscribe].contains(type) ? 2 : 0
            for flags in UInt8(0)..<16 {
                let first = type.rawValue << 4 | flags
                if flags == legal {
                    #expect(try bytesNeeded([first, 0]) == nil)
                } else {
                    #expect(throws: MQTTWireError.reservedFlags(type)) {
                        try bytesNeeded([first, 0])
                    }
                }
            }
        }
    }

    @Test func `packets behind one another are read one by one`() throws {
        let both = bytes(0x30, 3, 0, 1, "t", 0xc0, 0, 0x30)
        try both.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            guard case .packet(let first) = try reader.readPacket(sizeMax: 100),
                case .packet(let second) = try reader.readPacket(sizeMax: 100),
                case .incomplete(let bytesNeeded) = try reader.readPacket(sizeMax: 100)
            else {
                Issue.record("two packets and a beginning were there")
                return
            }
            #expect(first.type == .publish)
            #expect(second.type == .pingreq)
            #expect(second.body.isEmpty)
            #expect(bytesNeeded == 2)
            #expect(reader.position == 7)
        }
    }
}
