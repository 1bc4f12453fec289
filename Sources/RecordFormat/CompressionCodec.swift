/// How the records of a batch are compressed: bits 0 to 2 of its attributes (KIP-98, KIP-110).
public enum CompressionCodec: UInt8, CaseIterable, Sendable {
    case none = 0
    case gzip = 1
    case snappy = 2
    case lz4 = 3
    case zstd = 4
}

/// Who sets the timestamps of a batch's records: bit 3 of its attributes (KIP-32).
public enum TimestampType: UInt8, Sendable {
    case createTime = 0
    case logAppendTime = 1
}
