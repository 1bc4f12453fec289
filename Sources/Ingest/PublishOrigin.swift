/// Who published, and what a QoS 2 publish is known by until its sender releases it.
///
/// The bytes are borrowed for the one call that takes the value.
@frozen public struct PublishOrigin {
    /// Empty for whoever has none.
    public let clientIdentifier: UnsafeRawBufferPointer
    /// Set for a publish that must be stored exactly once: the record then carries client, packet
    /// identifier and this number, so that the receipt can be found in the log again.
    public let receipt: UInt64?

    @inlinable public init(
        clientIdentifier: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        receipt: UInt64? = nil
    ) {
        self.clientIdentifier = clientIdentifier
        self.receipt = receipt
    }
}
