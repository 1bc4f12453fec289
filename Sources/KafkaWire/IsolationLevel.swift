/// Whether a reader sees records of transactions that are not decided yet (KIP-98).
@frozen public struct IsolationLevel: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int8

    @inlinable public init(rawValue: Int8) { self.rawValue = rawValue }

    public static let readUncommitted = IsolationLevel(rawValue: 0)
    public static let readCommitted = IsolationLevel(rawValue: 1)
}
