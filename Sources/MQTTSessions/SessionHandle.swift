/// A session's place in its directory: a small number, used again once its session is gone.
public struct SessionHandle: RawRepresentable, Hashable, Comparable, Sendable {
    public var rawValue: UInt32
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable public static func < (a: SessionHandle, b: SessionHandle) -> Bool {
        a.rawValue < b.rawValue
    }
}
