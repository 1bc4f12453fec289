import BrokerModel
import EventLoop

/// Asks the storage loop for producer ids, and where to answer.
public struct ProducerIDRequest: Sendable {
    public let replyTo: Mailbox<ProducerIDReply>

    public init(replyTo: Mailbox<ProducerIDReply>) { self.replyTo = replyTo }
}

/// A block of ids that nobody else is ever given, durably so; or why there is none.
public struct ProducerIDReply: Sendable {
    public let outcome: Result<Range<Int64>, PartitionStoreError>

    public init(outcome: Result<Range<Int64>, PartitionStoreError>) { self.outcome = outcome }
}
