import CPosix

/// An IP address with a port. Written `127.0.0.1:1883` and `[::1]:1883`.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    public let isIPv6: Bool
    public let port: UInt16
    /// The interface of a link-local IPv6 address, else zero.
    public let scope: UInt32
    /// The address in network order; an IPv4 address fills the first four bytes of `high`.
    private let high: UInt64
    private let low: UInt64

    /// Reads an address or resolves a name, which may block: never on an event loop.
    /// A missing host, as in `:1883`, stands for every IPv4 interface.
    public init(_ text: String) throws(SocketAddressError) {
        let all = try Self.resolve(text)
        // `localhost` often means both families; the documents say 127.0.0.1, so IPv4 goes first.
        guard let address = all.first(where: { !$0.isIPv6 }) ?? all.first else {
            throw .unknownHost(text)
        }
        self = address
    }

    /// Every address that a name stands for, in the order in which a client tries them.
    public static func resolve(_ text: String) throws(SocketAddressError) -> [SocketAddress] {
        let (host, port) = try split(text)
        var found = [cposix_address](repeating: cposix_address(), count: 16)
        let count = cposix_resolve(host.isEmpty ? "0.0.0.0" : host, port, &found, 16)
        guard count > 0 else { throw .unknownHost(host) }
        return found.prefix(Int(count)).map(SocketAddress.init)
    }

    init(_ native: cposix_address) {
        isIPv6 = native.is_ipv6 != 0
        port = native.port
        scope = native.scope
        (high, low) = withUnsafeBytes(of: native.bytes) { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    var native: cposix_address {
        var native = cposix_address()
        native.is_ipv6 = isIPv6 ? 1 : 0
        native.port = port
        native.scope = scope
        withUnsafeMutableBytes(of: &native.bytes) { bytes in
            bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return native
    }

    /// Whether only this machine can reach the address.
    public var isLoopback: Bool {
        let isMappedLoopback = high == 0 && low >> 24 == 0xffff_7f
        return isIPv6 ? high == 0 && low == 1 || isMappedLoopback : high >> 56 == 127
    }

    /// Whether the address stands for every interface.
    public var isUnspecified: Bool { high == 0 && low == 0 }

    /// The address alone, as text.
    public var host: String {
        withUnsafeTemporaryAllocation(
            of: CChar.self,
            capacity: Int(cposix_address_text_size)
        ) { text in
            var native = native
            guard let start = text.baseAddress, cposix_address_text(&native, start) == 0 else {
                return "?"
            }
            return String(cString: start)
        }
    }

    public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    private static func split(_ text: String) throws(SocketAddressError) -> (String, UInt16) {
        guard let colon = text.lastIndex(of: ":") else { throw .missingPort(text) }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw .missingBrackets(text)
        }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = UInt16(digits)
        else { throw .badPort(text) }
        return (String(host), port)
    }
}

/// Why a text is no address.
public enum SocketAddressError: Error, Hashable, CustomStringConvertible {
    case missingPort(String)
    case badPort(String)
    case missingBrackets(String)
    case unknownHost(String)

    public var description: String {
        switch self {
        case .missingPort(let text): "\"\(text)\" has no port; write HOST:PORT"
        case .badPort(let text): "\"\(text)\" does not end in a port from 0 to 65535"
        case .missingBrackets(let text):
            "\"\(text)\" is ambiguous; write an IPv6 address as [ADDRESS]:PORT"
        case .unknownHost(let host): "\"\(host)\" has no address"
        }
    }
}
