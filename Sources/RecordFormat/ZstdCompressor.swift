import BrokerModel
import CZstd

/// Compresses to single zstd frames (RFC 8878, KIP-110). Keeps its context, which costs more to
/// make than a batch to compress: one a loop, reused.
public struct ZstdCompressor: ~Copyable {
    private let context: OpaquePointer

    /// Level 1 is the default: on telemetry the higher ones cost more and save nothing.
    public init(level: Int32 = 1) {
        guard let context = ZSTD_createCCtx() else {
            preconditionFailure("there is memory for a compressor at start")
        }
        self.context = context
        let outcome = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        precondition(ZSTD_isError(outcome) == 0, "zstd knows its own levels")
    }

    deinit { ZSTD_freeCCtx(context) }

    /// Compresses `plain` into the front of `room` and says how many bytes it took; nil when they
    /// do not fit. What it leaves in `room` then means nothing.
    public mutating func compress(
        _ plain: UnsafeRawBufferPointer,
        into room: UnsafeMutableRawBufferPointer
    ) -> Int? {
        let outcome = ZSTD_compress2(
            context,
            room.baseAddress,
            room.count,
            plain.baseAddress,
            plain.count
        )
        return ZSTD_isError(outcome) == 0 ? outcome : nil
    }
}
