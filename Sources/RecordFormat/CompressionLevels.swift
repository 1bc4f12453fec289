/// How hard each codec that has a choice tries (KIP-390). Snappy has none.
public struct CompressionLevels: Equatable, Sendable {
    /// 1 to 9; -1 is zlib's own choice.
    public var gzip = -1
    public var lz4 = 9
    public var zstd = 3

    public static let gzipRange = -1...9
    public static let lz4Range = 1...17
    public static let zstdRange = -131_072...22

    public init() {}

    /// Zlib's 0, which stores without compressing, is not among Kafka's.
    public static func isGzipLevel(_ level: Int) -> Bool { gzipRange.contains(level) && level != 0 }
}
