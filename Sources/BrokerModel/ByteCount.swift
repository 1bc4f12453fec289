/// A size in bytes.
@frozen public struct ByteCount: RawRepresentable, Hashable, Comparable, Sendable {
    public var rawValue: Int

    @inlinable public init(rawValue: Int) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: Int) { self.rawValue = rawValue }

    public static let zero = ByteCount(0)
    public static func kibibytes(_ count: Int) -> ByteCount { ByteCount(count << 10) }
    public static func mebibytes(_ count: Int) -> ByteCount { ByteCount(count << 20) }
    public static func gibibytes(_ count: Int) -> ByteCount { ByteCount(count << 30) }

    @inlinable public static func < (a: ByteCount, b: ByteCount) -> Bool {
        a.rawValue < b.rawValue
    }
    @inlinable public static func + (a: ByteCount, b: ByteCount) -> ByteCount {
        ByteCount(a.rawValue &+ b.rawValue)
    }
    @inlinable public static func - (a: ByteCount, b: ByteCount) -> ByteCount {
        ByteCount(a.rawValue &- b.rawValue)
    }
    @inlinable public static func += (a: inout ByteCount, b: ByteCount) { a = a + b }
    @inlinable public static func -= (a: inout ByteCount, b: ByteCount) { a = a - b }
}
