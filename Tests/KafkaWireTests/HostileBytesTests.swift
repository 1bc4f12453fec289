import BrokerModel
import KafkaWire
import Testing

@Suite struct HostileBytesTests {
    @Test(arguments: 0..<16 as Range<UInt64>)
    func `random bodies of every API and version never trap`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for api in KafkaAPI.allCases {
            for version in api.versions.lowerBound - 1...api.versions.upperBound + 1 {
                for _ in 0..<20 {
                    let length = Int.random(in: 0...120, using: &random)
                    var body = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                    // Small numbers get further: they pass for counts and lengths.
                    for place in body.indices where Bool.random(using: &random) {
                        body[place] = UInt8.random(in: 0...3, using: &random)
                    }
                    let header = written {
                        KafkaRequestHeader(
                            apiKey: api.rawValue,
                            apiVersion: version,
                            correlationID: 1
                        ).write(to: &$0)
                    }
                    (header + body).withUnsafeBytes { _ = try? Exchange.request($0) }
                    (hex("00000001 00") + body).withUnsafeBytes {
                        _ = try? Exchange.response($0, api, version)
                    }
                }
            }
        }
    }

    @Test func `an array may not hold more than a gateway has use for`() {
        let count = KafkaWireLimits.arrayElementsMax + 1
        let names = [[UInt8]](repeating: hex("0001 74"), count: count).flatMap { $0 }
        let bytes = written { $0.writeInteger(Int32(count)) } + names
        let error = refusal(bytes) { (reader) throws(KafkaWireError) in
            try MetadataRequest(reading: &reader, version: 1)
        }
        #expect(error == .tooManyElements(count))
    }

    @Test func `more tagged fields than the frame has room for are refused`() {
        let bytes = hex("0003 0009 00000001 ffff ffffffff0f")
        let error = refusal(bytes) { (reader) throws(KafkaWireError) in
            try KafkaRequestHeader(reading: &reader)
        }
        #expect(error == .tooManyElements(Int(UInt32.max)))
    }
}
