/// Why bytes from a peer are not the Kafka protocol. A case names what the peer did.
public enum KafkaWireError: Error, Hashable, Sendable {
    /// A frame announced this length, which is negative or above the limit.
    case frameLength(Int32)
    /// The frame ended inside a field.
    case truncated
    /// A length or count was negative and not the mark for null.
    case negativeLength(Int)
    /// A field that may not be null was.
    case unexpectedNull
    /// An array announced more elements than the frame, or our limit, has room for.
    case tooManyElements(Int)
    /// A string longer than Kafka's two-byte lengths can say; the compact form could.
    case stringTooLong(Int)
    case invalidUTF8
    case varintTooLong
    /// A tagged field was longer than its contents or shorter than them.
    case taggedFieldLength(tag: UInt32)
    case unknownAPI(Int16)
    case unsupportedVersion(api: Int16, version: Int16)
}
