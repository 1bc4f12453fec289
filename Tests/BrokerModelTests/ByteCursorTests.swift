import BrokerModel
import Testing

@Suite struct ByteCursorTests {
    private func reading<R>(_ bytes: [UInt8], _ body: (inout ByteReader) -> R) -> R {
        bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            return body(&reader)
        }
    }

    @Test func `what a writer writes a reader reads`() {
        var writer = ByteWriter()
        writer.writeByte(7)
        writer.writeInteger(UInt16(0x0102))
        writer.writeInteger(Int64.min)
        writer.writeUTF8("grün")
        var reader = ByteReader(writer.bytes)
        #expect(reader.readByte() == 7)
        #expect(reader.readInteger(UInt16.self) == 0x0102)
        #expect(reader.readInteger(Int64.self) == .min)
        #expect(reader.readBytes(5).map { String(decoding: $0, as: UTF8.self) } == "grün")
        #expect(reader.isAtEnd)
    }

    @Test(arguments: [0, 1, -1, 63, -64, 64, 300, Int64.max, Int64.min, 1 << 40])
    func `a varlong reads back as it was written`(value: Int64) {
        var writer = ByteWriter()
        writer.writeVarlong(value)
        var reader = ByteReader(writer.bytes)
        #expect(reader.readVarlong() == value)
        #expect(reader.isAtEnd)
    }

    @Test(arguments: [0, 1, -1, 63, -64, 64, 300, Int32.max, Int32.min])
    func `a varint reads back as it was written`(value: Int32) {
        var writer = ByteWriter()
        writer.writeVarint(value)
        var reader = ByteReader(writer.bytes)
        #expect(reader.readVarint() == value)
        #expect(reader.isAtEnd)
    }

    @Test func `a varint has the bytes of the protobuf encoding`() {
        var writer = ByteWriter()
        writer.writeVarint(-1)
        writer.writeVarint(64)
        writer.writeUnsignedVarint(300)
        #expect(Array(writer.bytes) == [0x01, 0x80, 0x01, 0xac, 0x02])
    }

    @Test func `too little input is nil and consumes nothing`() {
        reading([0x80]) { reader in
            #expect(reader.readInteger(UInt16.self) == nil)
            #expect(reader.readVarint() == nil)
            #expect(reader.readBytes(2) == nil)
            #expect(reader.readBytes(-1) == nil)
            #expect(reader.position == 0)
        }
    }

    @Test func `an endless or overflowing varint is nil`() {
        reading([UInt8](repeating: 0xff, count: 11)) { reader in
            #expect(reader.readVarint() == nil)
            #expect(reader.readUnsignedVarint() == nil)
            #expect(reader.readVarlong() == nil)
        }
        reading([0xff, 0xff, 0xff, 0xff, 0x1f]) { reader in
            #expect(reader.readVarint() == nil)  // 33 bits
        }
    }

    @Test func `a writer forgets from either end and patches in place`() {
        var writer = ByteWriter(capacity: 2)
        writer.writeInteger(UInt32(0))
        writer.writeUTF8("abc")
        writer.patchInteger(UInt32(3), at: 0)
        #expect(Array(writer.bytes) == [0, 0, 0, 3, 97, 98, 99])
        writer.removeFirst(4)
        writer.truncate(to: 2)
        #expect(Array(writer.bytes) == [97, 98])
        writer.release()
        #expect(writer.isEmpty && writer.capacity == 0)
    }

    @Test func `a filler writes up to its room`() {
        var writer = ByteWriter()
        writer.writeUpTo(16) { room in
            room[0] = 5
            return 1
        }
        #expect(Array(writer.bytes) == [5])
    }
}
