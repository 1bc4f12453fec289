import BrokerModel
import KafkaWire
import Testing

@Suite struct KafkaFrameTests {
    private func first(_ bytes: [UInt8], bytesMax: Int = 100) throws -> String {
        try bytes.withUnsafeBytes {
            switch try KafkaFrame.first(in: $0, bytesMax: bytesMax) {
            case .incomplete(let needed): "needs \(needed)"
            case .whole(let body): "whole \([UInt8](body))"
            }
        }
    }

    @Test func `a frame is whole only with its last byte`() throws {
        #expect(try first([]) == "needs 4")
        #expect(try first(hex("000000")) == "needs 4")
        #expect(try first(hex("00000002")) == "needs 6")
        #expect(try first(hex("00000002 07")) == "needs 6")
        #expect(try first(hex("00000002 0708")) == "whole [7, 8]")
        #expect(try first(hex("00000002 0708 00")) == "whole [7, 8]")
        #expect(try first(hex("00000000")) == "whole []")
    }

    @Test func `a length past the limit is refused before its bytes are there`() {
        #expect(throws: KafkaWireError.frameLength(101)) { try first(hex("00000065")) }
        #expect(throws: KafkaWireError.frameLength(-1)) { try first(hex("ffffffff")) }
        #expect(throws: KafkaWireError.frameLength(0x4745_5420)) { try first(Array("GET /".utf8)) }
    }

    @Test func `the length is set when the body stands`() {
        let bytes = written { output in
            output.writeByte(9)
            let start = KafkaFrame.begin(&output)
            output.writeInteger(Int16(0x0102))
            KafkaFrame.end(&output, startedAt: start)
        }
        #expect(bytes == hex("09 00000002 0102"))
    }
}
