import BrokerModel

/// How batches are formed.
public struct IngestSettings: Sendable {
    public var batchBytesMax = ByteCount.kibibytes(512)
    public var batchesInFlightMax = 2
    /// What the log takes as one batch: a record past this is refused at the door. Follows from
    /// the log's settings, so it has no key.
    public var recordBytesMax = ByteCount.mebibytes(64)
    public var routeTopicsMax = 1_000
    public var routeCacheEntries = 4_096
    /// Of a topic whose route does not say. Follows from `num.partitions`.
    public var partitionsDefault = 1
    package var routes = Route.everything

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
            .init(
                "route.topics.max",
                \.routeTopicsMax,
                of: defaults,
                in: 0...100_000,
                "Topics whose names routes derive from MQTT levels or client ids; a publish that "
                    + "would need one more is refused."
            ),
            .init(
                "route.cache.entries",
                \.routeCacheEntries,
                of: defaults,
                in: 64...1_048_576,
                "MQTT topics whose route is remembered, at up to 1 KiB each; others are worked out "
                    + "anew."
            ),
        ]
    }

    /// Lists in the configuration file.
    package static var tables: [ConfigurationTable<IngestSettings>] { [Route.table] }
}
