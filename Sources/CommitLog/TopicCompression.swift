import BrokerModel
import RecordFormat

/// `compression.type`: how a topic's batches are stored.
public enum CompressionType: String, CaseIterable, Sendable {
    /// As whoever made them compressed them.
    case producer
    case uncompressed
    case gzip, snappy, lz4, zstd

    /// Nil where a batch stays what it is.
    public var codec: CompressionCodec? {
        switch self {
        case .producer: nil
        case .uncompressed: CompressionCodec.none
        case .gzip: .gzip
        case .snappy: .snappy
        case .lz4: .lz4
        case .zstd: .zstd
        }
    }
}

extension CompressionType: ConfigurationValue {
    public init?(configurationText: String) { self.init(rawValue: configurationText) }
    public var configurationText: String { rawValue }
}

/// How a topic's batches are compressed where the broker does it.
public struct TopicCompression: Equatable, Sendable {
    public var type = CompressionType.producer
    public var levels = CompressionLevels()

    public init() {}
}
