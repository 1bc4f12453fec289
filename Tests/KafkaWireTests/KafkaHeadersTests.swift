import BrokerModel
import KafkaWire
import Testing

@Suite struct KafkaHeadersTests {
    @Test(
        arguments: [
            ("0003 0008 00000007 0002 6869", "hi", 8),
            ("0003 0008 00000007 ffff", nil, 8),
            ("0003 0009 00000007 0002 6869 00", "hi", 9),
            ("0012 0003 00000007 0000 00", "", 3),
        ] as [(String, String?, Int16)]
    )
    func `a request header is read and written to the byte`(
        text: String,
        clientID: String?,
        version: Int16
    ) throws {
        let header = try readAll(hex(text)) { try KafkaRequestHeader(reading: &$0) }
        #expect(header.clientID == clientID)
        #expect(header.apiVersion == version)
        #expect(header.correlationID == 7)
        #expect(written { header.write(to: &$0) } == hex(text))
    }

    @Test func `unknown tagged fields of a header are stepped over`() throws {
        let bytes = hex("0001 000c 00000007 ffff 02 05 03 aabbcc ac02 00")
        let header = try readAll(bytes) { try KafkaRequestHeader(reading: &$0) }
        #expect(header.api == .fetch)
    }

    @Test func `an API that we do not know is named in the refusal`() {
        let error = refusal(hex("7fff 0000 00000007 ffff")) { (reader) throws(KafkaWireError) in
            try KafkaRequestHeader(reading: &reader)
        }
        #expect(error == .unknownAPI(0x7fff))
    }

    @Test(
        arguments: [
            (KafkaAPI.metadata, 8, "00000007"),
            (.metadata, 9, "00000007 00"),
            (.fetch, 12, "00000007 00"),
            (.apiVersions, 3, "00000007"),
        ] as [(KafkaAPI, Int16, String)]
    )
    func `a response header has tagged fields for flexible versions, ApiVersions never`(
        api: KafkaAPI,
        version: Int16,
        text: String
    ) throws {
        let header = try readAll(hex(text)) {
            try KafkaResponseHeader(reading: &$0, api: api, version: version)
        }
        #expect(header.correlationID == 7)
        #expect(written { header.write(to: &$0, api: api, version: version) } == hex(text))
    }
}
