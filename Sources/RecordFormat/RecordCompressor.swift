import BrokerModel

/// Compresses the records of a batch with any of Kafka's codecs, as its clients expect to find
/// them. Keeps each codec's state, which is made when its first batch comes: one a thread, reused.
public struct RecordCompressor: ~Copyable {
    private var gzip = GzipWriter()
    private var zstd = ZstdWriter()
    private let lz4 = Lz4Writer()

    /// How many bytes it was given so far.
    public private(set) var bytesTaken = 0

    public init() {}

    /// Appends `plain` to `output` as `codec` writes it, which may be longer.
    public mutating func compress(
        _ plain: UnsafeRawBufferPointer,
        codec: CompressionCodec,
        levels: CompressionLevels,
        into output: inout ByteWriter
    ) throws(RecordFormatError) {
        bytesTaken &+= plain.count
        switch codec {
        case .none: output.writeBytes(plain)
        case .gzip: try gzip.compress(plain, level: levels.gzip, into: &output)
        case .snappy: try SnappyWriter.compress(plain, into: &output)
        case .lz4: try lz4.compress(plain, level: levels.lz4, into: &output)
        case .zstd: try zstd.compress(plain, level: levels.zstd, into: &output)
        }
    }
}
