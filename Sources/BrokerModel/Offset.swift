/// The place of a record in its partition's log; the first record of a partition has 0.
@frozen public struct Offset: RawRepresentable, Hashable, Comparable, Sendable {
    public var rawValue: Int64

    @inlinable public init(rawValue: Int64) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: Int64) { self.rawValue = rawValue }

    public static let zero = Offset(0)

    @inlinable public static func < (a: Offset, b: Offset) -> Bool { a.rawValue < b.rawValue }
    @inlinable public static func + (a: Offset, records: Int) -> Offset {
        Offset(a.rawValue &+ Int64(records))
    }
    /// How many offsets lie from `b` up to `a`.
    @inlinable public static func - (a: Offset, b: Offset) -> Int {
        Int(a.rawValue &- b.rawValue)
    }
}

/// Counts the leaders, and here the unclean starts, that a partition has had.
@frozen public struct LeaderEpoch: RawRepresentable, Hashable, Comparable, Sendable {
    public var rawValue: Int32

    @inlinable public init(rawValue: Int32) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: Int32) { self.rawValue = rawValue }

    public static let none = LeaderEpoch(-1)
    public static let zero = LeaderEpoch(0)
    public var next: LeaderEpoch { LeaderEpoch(rawValue &+ 1) }

    @inlinable public static func < (a: LeaderEpoch, b: LeaderEpoch) -> Bool {
        a.rawValue < b.rawValue
    }
}

/// A place in a file, in bytes from its start.
@frozen public struct FilePosition: RawRepresentable, Hashable, Comparable, Sendable {
    public var rawValue: Int

    @inlinable public init(rawValue: Int) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: Int) { self.rawValue = rawValue }

    public static let zero = FilePosition(0)

    @inlinable public static func < (a: FilePosition, b: FilePosition) -> Bool {
        a.rawValue < b.rawValue
    }
    @inlinable public static func + (a: FilePosition, size: ByteCount) -> FilePosition {
        FilePosition(a.rawValue &+ size.rawValue)
    }
    @inlinable public static func - (a: FilePosition, b: FilePosition) -> ByteCount {
        ByteCount(a.rawValue &- b.rawValue)
    }
}
