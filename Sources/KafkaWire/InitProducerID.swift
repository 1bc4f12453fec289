import BrokerModel

/// InitProducerId (key 22): a producer asks for an id and an epoch (KIP-98).
public struct InitProducerIDRequest: Equatable, Sendable {
    /// Nil from a producer that is idempotent and no more.
    public var transactionalID: String?
    /// How long a transaction may stay open before the broker aborts it.
    public var transactionTimeoutMilliseconds: Int32
    /// Both from version 3 on: what the producer had and wants to go on with (KIP-360). -1 for a
    /// new one.
    public var producerID: Int64 = -1
    public var producerEpoch: Int16 = -1

    public init(transactionTimeoutMilliseconds: Int32) {
        self.transactionTimeoutMilliseconds = transactionTimeoutMilliseconds
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.initProducerID.check(version)
        let flexible = KafkaAPI.initProducerID.isFlexible(version)
        transactionalID = try reader.readNullableString(flexible: flexible)
        transactionTimeoutMilliseconds = try reader.readFixed()
        if version >= 3 {
            producerID = try reader.readFixed()
            producerEpoch = try reader.readFixed()
        }
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.initProducerID.isFlexible(version)
        output.writeNullableString(transactionalID, flexible: flexible)
        output.writeInteger(transactionTimeoutMilliseconds)
        if version >= 3 {
            output.writeInteger(producerID)
            output.writeInteger(producerEpoch)
        }
        if flexible { output.writeNoTaggedFields() }
    }
}

public struct InitProducerIDResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var errorCode = KafkaErrorCode.none
    /// -1 beside an error.
    public var producerID: Int64 = -1
    public var producerEpoch: Int16 = 0

    public init() {}

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.initProducerID.check(version)
        throttleMilliseconds = try reader.readFixed()
        errorCode = try reader.readErrorCode()
        producerID = try reader.readFixed()
        producerEpoch = try reader.readFixed()
        if KafkaAPI.initProducerID.isFlexible(version) { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        output.writeInteger(throttleMilliseconds)
        output.writeErrorCode(errorCode)
        output.writeInteger(producerID)
        output.writeInteger(producerEpoch)
        if KafkaAPI.initProducerID.isFlexible(version) { output.writeNoTaggedFields() }
    }
}
