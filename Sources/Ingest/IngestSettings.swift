import BrokerModel

/// How batches are formed.
public struct IngestSettings: Sendable {
    public var batchBytesMax = ByteCount.kibibytes(512)
    public var batchesInFlightMax = 2
    /// What the log takes as one batch: a record past this is refused at the door. Follows from
    /// the log's settings, so it has no key.
    public var recordBytesMax = ByteCount.mebibytes(64)

    public init() {}

    public static var keys: [ConfigurationKey<IngestSettings>] {
        let defaults = IngestSettings()
        return [
            .init(
                "ingest.batch.bytes",
                \.batchBytesMax,
                of: defaults,
                in: .kibibytes(16) ... .mebibytes(8),
                "A batch is sealed before it outgrows this, uncompressed, even when the log is "
                    + "busy."
            ),
            .init(
                "ingest.batches.in.flight",
                \.batchesInFlightMax,
                of: defaults,
                in: 1...64,
                "With this many batches on their way to the log, further records wait in the next."
            ),
        ]
    }
}
