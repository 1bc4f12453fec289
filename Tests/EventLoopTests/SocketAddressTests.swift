import Posix
import Testing

@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1:1883", "127.0.0.1:1883", true),
        ("localhost:9092", "127.0.0.1:9092", true),
        ("[::1]:1883", "[::1]:1883", true),
        ("[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", true),
        (":1883", "0.0.0.0:1883", false),
        ("0.0.0.0:0", "0.0.0.0:0", false),
        ("[::]:65535", "[::]:65535", false),
        ("192.0.2.7:80", "192.0.2.7:80", false),
    ])
    func `a text becomes an address and a text again`(
        text: String,
        description: String,
        isLoopback: Bool
    ) throws {
        let address = try SocketAddress(text)
        #expect(address.description == description)
        #expect(address.isLoopback == isLoopback)
        #expect(try SocketAddress(address.description) == address)
    }

    @Test(arguments: [
        ("localhost", SocketAddressError.missingPort("localhost")),
        ("127.0.0.1:", .badPort("127.0.0.1:")),
        ("127.0.0.1:65536", .badPort("127.0.0.1:65536")),
        ("127.0.0.1:+1", .badPort("127.0.0.1:+1")),
        ("::1:1883", .missingBrackets("::1:1883")),
        ("no-such-host.invalid:1", .unknownHost("no-such-host.invalid")),
    ])
    func `what is no address is refused by kind`(text: String, error: SocketAddressError) {
        #expect(throws: error) { try SocketAddress(text) }
    }

    @Test func `an error names its call and the system's reason`() {
        let error = PosixError(code: ErrorCode.addressInUse, call: "bind")
        #expect(error.description == "bind: Address already in use")
    }

    @Test func `random bytes differ`() throws {
        #expect(try SystemProcess.randomBytes(16) != SystemProcess.randomBytes(16))
        #expect(try SystemProcess.randomBytes(0) == [])
    }
}
