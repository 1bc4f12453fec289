import BrokerModel
import KafkaWire
import Testing

@Suite struct ApiVersionsTests {
    @Test func `requests before version 3 have no body`() throws {
        for version: Int16 in 0...2 {
            let request = try readAll([]) {
                try ApiVersionsRequest(reading: &$0, version: version)
            }
            #expect(written { request.write(to: &$0, version: version) }.isEmpty)
        }
    }

    @Test func `from version 3 on a request names its software`() throws {
        let bytes = hex("03 6b63 04 312e37 00")
        let request = try readAll(bytes) { try ApiVersionsRequest(reading: &$0, version: 3) }
        #expect(request.clientSoftwareName == "kc")
        #expect(request.clientSoftwareVersion == "1.7")
        #expect(written { request.write(to: &$0, version: 3) } == bytes)
    }

    @Test(
        arguments: [
            (0, "0023 00000001 0001 0004 000b"),
            (1, "0023 00000001 0001 0004 000b 00000009"),
            (2, "0023 00000001 0001 0004 000b 00000009"),
            (3, "0023 02 0001 0004 000b 00 00000009 00"),
            (4, "0023 02 0001 0004 000b 00 00000009 00"),
        ] as [(Int16, String)]
    )
    func `the table of versions is read and written to the byte`(
        version: Int16,
        text: String
    ) throws {
        let response = try readAll(hex(text)) {
            try ApiVersionsResponse(reading: &$0, version: version)
        }
        #expect(response.errorCode == .unsupportedVersion)
        #expect(response.apis == [ServedAPI(key: 1, versionMin: 4, versionMax: 11)])
        #expect(response.throttleMilliseconds == (version >= 1 ? 9 : 0))
        #expect(written { response.write(to: &$0, version: version) } == hex(text))
    }

    @Test func `features travel as tagged fields, finalized ones with the largest level first`()
        throws
    {
        let bytes = hex(
            """
            0000 01 00000000 04
            00 08 02 02 6b 0000 0001 00
            01 08 0000000000000005
            02 08 02 02 6b 0003 0002 00
            03 01 01
            """
        )
        let response = try readAll(bytes) { try ApiVersionsResponse(reading: &$0, version: 3) }
        #expect(
            response.supportedFeatures == [KafkaFeature(name: "k", versionMin: 0, versionMax: 1)]
        )
        #expect(response.finalizedFeaturesEpoch == 5)
        #expect(
            response.finalizedFeatures == [KafkaFeature(name: "k", versionMin: 2, versionMax: 3)]
        )
        #expect(response.zooKeeperMigrationReady)
        #expect(written { response.write(to: &$0, version: 3) } == bytes)
    }

    @Test func `a tagged field longer than what it holds is refused`() {
        let bytes = hex("0000 01 00000000 01 03 02 0100")
        let error = refusal(bytes) { (reader) throws(KafkaWireError) in
            try ApiVersionsResponse(reading: &reader, version: 3)
        }
        #expect(error == .taggedFieldLength(tag: 3))
    }

    @Test func `a version that the codec does not know is refused`() {
        let error = refusal([]) { (reader) throws(KafkaWireError) in
            try ApiVersionsRequest(reading: &reader, version: 5)
        }
        #expect(error == .unsupportedVersion(api: 18, version: 5))
    }
}
