import BrokerModel

/// Says of each record of a batch whether it stays.
public protocol RecordFilter {
    mutating func keeps(_ record: RecordView, of batch: RecordBatchView) -> Bool
}

/// What a filter has left of a batch.
public struct FilteredBatch: Equatable, Sendable {
    public enum Outcome: Sendable {
        /// Written as it was.
        case unchanged
        /// Written with fewer records, or with the time after which its tombstones may go.
        case rewritten
        /// Nothing was kept, and nothing written.
        case emptied
    }

    public let outcome: Outcome
    public let recordsKept: Int
    public let recordsRemoved: Int
}

/// Writes a batch anew with some of its records, as Kafka's cleaner does: offsets, leader epoch,
/// producer and codec stay, and the times of the records that are left.
public struct RecordBatchFilter: ~Copyable {
    private var decompressor = RecordDecompressor()
    private var compressor = RecordCompressor()
    private var records = ByteWriter()
    private var kept: [Bool] = []

    public init() {}

    /// Appends to `output` what `filter` keeps of the batch. A batch that keeps a record without
    /// value, and has no delete horizon, gets `deleteHorizon` (KIP-534).
    public mutating func filter<Filter: RecordFilter>(
        _ batch: RecordBatchView,
        by filter: inout Filter,
        deleteHorizon: Timestamp,
        levels: CompressionLevels,
        limit: ByteCount,
        into output: inout ByteWriter
    ) throws(RecordFormatError) -> FilteredBatch {
        guard let codec = batch.codec else { throw .codecUnknown(batch.codecNumber) }
        let plain = try decompressor.decompress(batch.recordBytes, codec: codec, limit: limit)
        let found = try sort(RecordCursor(batch: batch, records: plain), of: batch, by: &filter)
        let removed = kept.count - found.count
        guard found.count > 0 else {
            return FilteredBatch(outcome: .emptied, recordsKept: 0, recordsRemoved: removed)
        }
        let horizon: Timestamp? =
            batch.hasDeleteHorizon
            ? batch.baseTimestamp : found.hasTombstones ? deleteHorizon : nil
        guard removed > 0 || (horizon != nil && !batch.hasDeleteHorizon) else {
            output.writeBytes(batch.bytes)
            return FilteredBatch(outcome: .unchanged, recordsKept: found.count, recordsRemoved: 0)
        }
        let base = horizon ?? found.firstTimestamp
        try writeKept(of: plain, batch, base: base)
        let start = output.count
        output.writeBytes(
            UnsafeRawBufferPointer(rebasing: batch.bytes[..<RecordFormatLimits.headerBytes])
        )
        try compressor.compress(records.bytes, codec: codec, levels: levels, into: &output)
        var changes = RecordBatchEditor.Changes()
        changes.attributes = batch.attributes | (horizon == nil ? 0 : 1 << 6)
        changes.baseTimestamp = base
        changes.maxTimestamp = found.maxTimestamp
        changes.recordCount = Int32(truncatingIfNeeded: found.count)
        RecordBatchEditor.finish(
            changes,
            in: UnsafeMutableRawBufferPointer(rebasing: output.mutableBytes[start...])
        )
        return FilteredBatch(
            outcome: .rewritten,
            recordsKept: found.count,
            recordsRemoved: removed
        )
    }

    /// Appends the batch without its records, for the sake of its producer's state, or of the
    /// offsets that it covers.
    public static func writeEmpty(_ batch: RecordBatchView, into output: inout ByteWriter) {
        let start = output.count
        output.writeBytes(
            UnsafeRawBufferPointer(rebasing: batch.bytes[..<RecordFormatLimits.headerBytes])
        )
        var changes = RecordBatchEditor.Changes()
        changes.attributes = batch.attributes & 0b11_1000  // Neither a codec nor a horizon.
        changes.baseTimestamp = Timestamp.none
        changes.recordCount = 0
        RecordBatchEditor.finish(
            changes,
            in: UnsafeMutableRawBufferPointer(rebasing: output.mutableBytes[start...])
        )
    }

    private struct Found {
        var count = 0
        var hasTombstones = false
        var firstTimestamp = Timestamp.none
        var maxTimestamp = Timestamp.none
    }

    /// Asks the filter about every record, and remembers what it said.
    private mutating func sort<Filter: RecordFilter>(
        _ cursor: RecordCursor,
        of batch: RecordBatchView,
        by filter: inout Filter
    ) throws(RecordFormatError) -> Found {
        var found = Found()
        var cursor = cursor
        kept.removeAll(keepingCapacity: true)
        while let record = try cursor.next() {
            let isKept = filter.keeps(record, of: batch)
            kept.append(isKept)
            guard isKept else { continue }
            if found.count == 0 { found.firstTimestamp = record.timestamp }
            found.count += 1
            found.hasTombstones = found.hasTombstones || record.value == nil
            found.maxTimestamp = max(found.maxTimestamp, record.timestamp)
        }
        return found
    }

    /// The kept records, their times counted from `base`. All else of them stays as it is.
    private mutating func writeKept(
        of plain: UnsafeRawBufferPointer,
        _ batch: RecordBatchView,
        base: Timestamp
    ) throws(RecordFormatError) {
        records.removeAll()
        var reader = ByteReader(plain)
        for (index, isKept) in kept.enumerated() {
            guard let length = reader.readRecordVarint(), let body = reader.readBytes(Int(length))
            else { throw .recordMalformed(index: index) }
            guard isKept else { continue }
            var fields = ByteReader(body)
            guard fields.readByte() != nil, let delta = fields.readVarlong() else {
                throw .recordMalformed(index: index)
            }
            let time: Timestamp =
                switch batch.timestampType {
                case .createTime: Timestamp(rawValue: batch.baseTimestamp.rawValue &+ delta)
                case .logAppendTime: batch.maxTimestamp
                }
            records.writeRecord(
                body[0],
                timestampDelta: time.rawValue &- base.rawValue,
                rest: fields.rest
            )
        }
    }
}

extension ByteWriter {
    /// A record of which all but its length and the delta of its time is written already.
    fileprivate mutating func writeRecord(
        _ attributes: UInt8,
        timestampDelta: Int64,
        rest: UnsafeRawBufferPointer
    ) {
        let delta = Varint.zigzag(timestampDelta)
        let length = 1 &+ Varint.size(delta) &+ rest.count
        writeUpTo(Varint.sizeMax &+ length) { room in
            guard let start = room.baseAddress else { return 0 }
            var target = start
            Varint.write(Varint.zigzag(length: length), to: &target)
            target.storeBytes(of: attributes, as: UInt8.self)
            target += 1
            Varint.write(delta, to: &target)
            Varint.copy(rest, to: &target)
            return target - start
        }
    }
}
