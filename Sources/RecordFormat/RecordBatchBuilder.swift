import BrokerModel

/// Collects records and seals them into a batch. Reused: after `seal` it is empty and keeps its
/// memory, so that no record costs an allocation.
public struct RecordBatchBuilder: ~Copyable {
    private var storage: UnsafeMutableRawPointer
    private var capacity: Int
    private var used = 0
    private var baseTimestamp = Timestamp.none
    private var maxTimestamp = Timestamp.none
    private let memoryKept: Int

    public private(set) var recordCount = 0

    public var isEmpty: Bool { recordCount == 0 }

    /// The size of the batch as it stands, without compression.
    public var uncompressedBytes: ByteCount { ByteCount(RecordFormatLimits.headerBytes &+ used) }

    /// After a batch that took more than `memoryKept`, the memory goes back.
    public init(memoryKept: ByteCount = .kibibytes(256)) {
        self.memoryKept = max(memoryKept.rawValue, 1)
        capacity = min(self.memoryKept, 16 << 10)
        storage = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { storage.deallocate() }

    /// Adds a record behind the others.
    ///
    /// `headerBytes` are `headerCount` headers as `ByteWriter.writeRecordHeader` writes them.
    /// Throws, and adds nothing, only when the batch would outgrow what the format can describe.
    public mutating func append(
        timestamp: Timestamp,
        key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?,
        headerCount: Int,
        headerBytes: UnsafeRawBufferPointer
    ) throws(RecordFormatError) {
        if recordCount == 0 {
            baseTimestamp = timestamp
            maxTimestamp = timestamp
        }
        let timeDelta = Varint.zigzag(timestamp.rawValue &- baseTimestamp.rawValue)
        let offsetDelta = Varint.zigzag(length: recordCount)
        let headers = Varint.zigzag(length: headerCount)
        let length =
            1 &+ Varint.size(timeDelta) &+ Varint.size(offsetDelta) &+ Self.size(key)
            &+ Self.size(value) &+ Varint.size(headers) &+ headerBytes.count
        let total = Varint.size(Varint.zigzag(length: length)) &+ length
        try reserve(total)

        var target = storage + used
        Varint.write(Varint.zigzag(length: length), to: &target)
        target.storeBytes(of: 0, as: UInt8.self)  // Attributes, of which none is defined.
        target += 1
        Varint.write(timeDelta, to: &target)
        Varint.write(offsetDelta, to: &target)
        Self.write(key, to: &target)
        Self.write(value, to: &target)
        Varint.write(headers, to: &target)
        Varint.copy(headerBytes, to: &target)

        used &+= total
        recordCount &+= 1
        if timestamp > maxTimestamp { maxTimestamp = timestamp }
    }

    /// Adds a record without headers.
    public mutating func append(
        timestamp: Timestamp,
        key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?
    ) throws(RecordFormatError) {
        try append(
            timestamp: timestamp,
            key: key,
            value: value,
            headerCount: 0,
            headerBytes: UnsafeRawBufferPointer(start: nil, count: 0)
        )
    }

    /// Forgets the records.
    public mutating func removeAll() {
        used = 0
        recordCount = 0
        guard capacity > memoryKept else { return }
        storage.deallocate()
        capacity = memoryKept
        storage = .allocate(byteCount: capacity, alignment: 16)
    }

    /// Writes the batch, compressed wherever that is smaller, and begins the next one.
    ///
    /// Base offset 0 and no leader epoch: the log assigns both. No producer id.
    public mutating func seal(compressor: inout ZstdCompressor, into output: inout ByteWriter) {
        seal(into: &output) { records, room in
            guard records.count >= Self.compressedBytesMin else { return nil }
            // In a room of one byte less zstd gives up where it would save nothing. It wants a few
            // bytes of slack, too: what saves less than those is not worth a reader's time.
            return compressor.compress(
                records,
                into: UnsafeMutableRawBufferPointer(rebasing: room.dropLast())
            )
        }
    }

    /// Writes the batch without compressing it, and begins the next one.
    public mutating func sealUncompressed(into output: inout ByteWriter) {
        seal(into: &output) { _, _ in nil }
    }

    private mutating func seal(
        into output: inout ByteWriter,
        compress: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Int?
    ) {
        precondition(recordCount > 0, "a batch without records is never sealed")
        let records = UnsafeRawBufferPointer(start: storage, count: used)
        let header = header
        output.writeUpTo(RecordFormatLimits.headerBytes &+ used) { batch in
            let room = UnsafeMutableRawBufferPointer(
                rebasing: batch[RecordFormatLimits.headerBytes...]
            )
            if let size = compress(records, room) {
                return header.write(codec: .zstd, recordBytes: size, to: batch)
            }
            room.copyMemory(from: records)
            return header.write(codec: .none, recordBytes: records.count, to: batch)
        }
        removeAll()
    }

    /// Below this a frame's own header eats what compression saves.
    private static let compressedBytesMin = 64

    private var header: BatchHeader {
        BatchHeader(
            baseTimestamp: baseTimestamp,
            maxTimestamp: maxTimestamp,
            recordCount: Int32(truncatingIfNeeded: recordCount),
            lastOffsetDelta: Int32(truncatingIfNeeded: recordCount &- 1)
        )
    }

    private mutating func reserve(_ additional: Int) throws(RecordFormatError) {
        let needed = used &+ additional
        guard needed > capacity else { return }
        guard needed <= RecordFormatLimits.batchBytesMax - RecordFormatLimits.headerBytes else {
            throw .batchTooLarge
        }
        let larger = max(needed, 2 * capacity)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        moved.copyMemory(from: storage, byteCount: used)
        storage.deallocate()
        storage = moved
        capacity = larger
    }

    @inline(__always)
    private static func size(_ bytes: UnsafeRawBufferPointer?) -> Int {
        guard let bytes else { return 1 }
        return Varint.size(Varint.zigzag(length: bytes.count)) &+ bytes.count
    }

    @inline(__always)
    private static func write(
        _ bytes: UnsafeRawBufferPointer?,
        to target: inout UnsafeMutableRawPointer
    ) {
        guard let bytes else {
            target.storeBytes(of: Varint.null, as: UInt8.self)
            target += 1
            return
        }
        Varint.write(Varint.zigzag(length: bytes.count), to: &target)
        Varint.copy(bytes, to: &target)
    }
}
