/// Names a publish to its owner until its record is durable. Ingest only keeps it.
@frozen public struct AckToken: Sendable, Equatable {
    /// Which connection; its owner never gives the number to another one while it may come back.
    public let connection: UInt64
    public let ticket: UInt32
    /// What the publish weighs in its connection's budget.
    public let bytes: UInt32

    @inlinable public init(connection: UInt64, ticket: UInt32, bytes: UInt32) {
        self.connection = connection
        self.ticket = ticket
        self.bytes = bytes
    }
}
