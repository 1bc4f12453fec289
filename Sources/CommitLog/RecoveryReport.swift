import BrokerModel

/// What opening a partition cost and found.
public struct RecoveryReport: Equatable, Sendable {
    /// False when the newest segment had to be scanned.
    public var wasClean = false
    public var scannedBytes = ByteCount.zero
    /// The torn tail that was cut off: bytes that nobody was ever told of.
    public var cutBytes = ByteCount.zero
    /// Sealed segments whose indexes were missing and were built from their data.
    public var rebuiltIndexes = 0
    /// Offsets that may have been shown and were lost: they are skipped.
    public var gap: OffsetGap?
    /// The snapshot of idempotent producers was damaged: one that has no batch in the newest
    /// segment is not known any more, and a batch that it sends again may be stored twice.
    public var producersLost = false
}
