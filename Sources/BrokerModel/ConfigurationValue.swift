/// A value that can be written in configuration, and read back from what it writes.
public protocol ConfigurationValue: Sendable {
    /// Nil when the text is not such a value.
    init?(configurationText: String)
    var configurationText: String { get }
}

extension Int: ConfigurationValue {
    public init?(configurationText: String) { self.init(configurationText) }
    public var configurationText: String { String(self) }
}

extension Bool: ConfigurationValue {
    public init?(configurationText: String) { self.init(configurationText) }
    public var configurationText: String { String(self) }
}

extension String: ConfigurationValue {
    public init?(configurationText: String) { self = configurationText }
    public var configurationText: String { self }
}

/// Nothing is written as an empty text.
extension Optional: ConfigurationValue where Wrapped: ConfigurationValue {
    public init?(configurationText text: String) {
        guard !text.isEmpty else {
            self = .none
            return
        }
        guard let value = Wrapped(configurationText: text) else { return nil }
        self = .some(value)
    }

    public var configurationText: String { self?.configurationText ?? "" }
}

extension ByteCount: ConfigurationValue {
    private static let units: [(suffix: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1), ("", 1),
    ]

    /// Reads `65536`, `64KiB`, `16MiB` or `1GiB`.
    public init?(configurationText text: String) {
        guard let bytes = scaled(text, by: Self.units) else { return nil }
        self.init(bytes)
    }

    public var configurationText: String {
        for unit in Self.units where rawValue != 0 && rawValue % unit.bytes == 0 {
            return unit.bytes == 1 ? String(rawValue) : "\(rawValue / unit.bytes)\(unit.suffix)"
        }
        return String(rawValue)
    }
}

extension Duration: ConfigurationValue {
    private static let units: [(suffix: String, nanoseconds: Int)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("min", 60_000_000_000),
        ("ms", 1_000_000), ("us", 1_000), ("s", 1_000_000_000),
    ]

    /// Reads `500us`, `20ms`, `5s`, `10min`, `12h` or `7d`: always with its unit.
    public init?(configurationText text: String) {
        guard let nanoseconds = scaled(text, by: Self.units) else { return nil }
        self = .nanoseconds(nanoseconds)
    }

    public var configurationText: String {
        let total = Int(nanoseconds)
        let bySize = Self.units.sorted { $0.nanoseconds > $1.nanoseconds }
        for unit in bySize where total != 0 && total % unit.nanoseconds == 0 {
            return "\(total / unit.nanoseconds)\(unit.suffix)"
        }
        return "\(total / 1_000)us"
    }
}

/// A whole number followed by the first suffix that fits. Nil for anything else, and on overflow.
private func scaled(_ text: String, by units: [(suffix: String, Int)]) -> Int? {
    for (suffix, factor) in units where text.hasSuffix(suffix) {
        guard let count = Int(text.dropLast(suffix.count)) else { continue }
        let (value, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : value
    }
    return nil
}
