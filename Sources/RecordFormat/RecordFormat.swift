// RecordFormat is Kafka's RecordBatch v2 (magic 2, KIP-98): the unit that is built, checksummed,
// compressed, stored, synced and sent to readers unchanged.
//
// Start at `RecordBatchView`: it reads a batch in place, in bytes that somebody else owns.
// `RecordBatchBuilder` makes one from records, without an allocation a record, and
// `RecordBatchEditor` sets the fields that belong to the log. A batch is trusted in three steps:
// `first` says that its frame is whole, `check` that its checksum and counts hold, and the
// `RecordCursor` checks each record as it walks. `RecordBatchValidator` takes all three at once,
// with a topic's rules, for batches that producers send.
//
// `RecordDecompressor` reads every codec of Kafka's, and `RecordCompressor` writes them; what we
// build ourselves is zstd (`ZstdCompressor`). `RecordBatchFilter` leaves some of a batch's records
// away, and `RecordBatchRecompressor` changes its codec. What it refuses: magic 0 and 1. It keeps
// no state between batches but the memory of its compressor, decompressor and builder. No bytes,
// however wrong, make it trap; a batch claims memory only up to the limit that its reader sets, and
// not before its records really take it (but for up to 8 MiB of lz4's).
//
// The header, big-endian: base offset 8, batch length 4 (of what follows), leader epoch 4, magic 1,
// CRC-32C 4 (of what follows), attributes 2, last offset delta 4, base timestamp 8, max timestamp
// 8, producer id 8, producer epoch 2, base sequence 4, record count 4; then the records.
import BrokerModel

/// Sizes that the format fixes.
public enum RecordFormatLimits {
    /// The header of a batch, from base offset to record count.
    public static let headerBytes = 61
    /// What stands before the bytes that the batch length counts.
    public static let frameBytes = 12
    /// The least batch length: a header without records.
    public static let batchLengthMin = 49
    /// The largest batch that a length of 32 bits can describe.
    public static let batchBytesMax = Int(Int32.max)
}

/// Where each field of a batch's header begins.
enum HeaderField {
    static let baseOffset = 0
    static let batchLength = 8
    static let leaderEpoch = 12
    static let magic = 16
    static let crc = 17
    static let attributes = 21
    static let lastOffsetDelta = 23
    static let baseTimestamp = 27
    static let maxTimestamp = 35
    static let producerID = 43
    static let producerEpoch = 51
    static let baseSequence = 53
    static let recordCount = 57
}
