import BrokerModel

// CommitLog keeps one partition's records on disk, as segments in a folder, in Kafka's own files.
//
// Start at `PartitionLog`: it appends, syncs, rolls, deletes what is old or unwanted, takes other
// settings and recovers, on one thread, and each call runs to its end on its caller's. A compacted
// log is cleaned by a `LogCleaning`, which may take its time on another thread: it gets a
// `CleaningPlan` from the log's owner and gives back finished segments. Beside the log stands its
// `PartitionReader`, which any thread may use and which never passes the high watermark. Under
// them, a `Segment` is one data file with its two indexes, and `FileSystem` is the seam behind
// which lies the disk, or a test's idea of one. A read with `ReadAccess.resident` takes what is in
// memory and never waits for the disk.
//
// What holds after a crash at any call, with unsynced work kept, lost, torn or reordered:
// - What `sync` made visible is still there, at its offsets, byte for byte.
// - A sealed segment is whole, with its indexes: at a roll the data is synced first, then the
//   indexes, and only then does the next segment's file come into being. So recovery reads the
//   newest segment alone, and nothing older.
// - What recovery finds past the last sync is synced before anybody may see it.
// - What is known of idempotent producers is right: a snapshot of it is durable before the segment
//   that begins there has a name, and what follows it is in the segment that recovery reads.
// - The leader epoch has risen, so that a reader which saw the old tail notices the cut.
// - A cleaned segment stands in the place of those that it was made from, or they do: one rename
//   decides, and `SegmentSwap` finishes from names alone what it began. Offsets then have gaps.
// - The log start is not before where it was, and no offset is given again that was shown without
//   a sync, as in topics that are not durable: `OffsetMarks` are synced before either is shown.
//
// Always true: logStartOffset <= highWatermark <= logEndOffset. After a failed write or sync the
// log is read-only: the kernel may have thrown the dirty pages away, and a later sync that succeeds
// would vouch for bytes that are gone.
//
// This module starts no thread, opens no socket and never asks the time.
enum CommitLogLimits {
    /// Larger batches are neither taken nor believed.
    static let batchBytesMax = ByteCount.mebibytes(64)
    /// Positions in an index are 32 bits.
    static let segmentBytesMax = ByteCount(Int(Int32.max))
    /// What one batch may take in memory once it is decompressed.
    static let decompressedBytesMax = ByteCount.mebibytes(256)
    /// So many segments become one at most: what a cleaning renames at once is bounded.
    static let segmentsPerGroup = 64
    /// How much recovery and cleanings read at a time.
    static let scanBytes = 256 << 10
    /// How much a search for one batch reads at a time.
    static let headerWindowBytes = 4 << 10
}
