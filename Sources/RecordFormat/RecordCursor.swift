import BrokerModel

/// One record, in bytes that the batch or its decompressor owns.
public struct RecordView {
    public let offset: Offset
    public let timestamp: Timestamp
    public let key: UnsafeRawBufferPointer?
    public let value: UnsafeRawBufferPointer?
    public let headers: RecordHeaders
}

/// Walks the records of one batch from first to last, and checks each on the way.
public struct RecordCursor {
    private let batch: RecordBatchView
    private let recordCount: Int
    private var reader: ByteReader
    private var index = 0
    private var lastDelta: Int32 = -1

    init(batch: RecordBatchView, records: UnsafeRawBufferPointer) {
        self.batch = batch
        recordCount = Int(batch.recordCount)
        reader = ByteReader(records)
    }

    /// Nil after the last record, when exactly the batch's bytes were used up.
    public mutating func next() throws(RecordFormatError) -> RecordView? {
        guard index < recordCount else {
            guard reader.isAtEnd else { throw .bytesAfterLastRecord(reader.remaining) }
            return nil
        }
        guard let length = reader.readRecordVarint(), let body = reader.readBytes(Int(length))
        else {
            throw .recordMalformed(index: index)
        }
        let record = try record(in: body)
        index &+= 1
        return record
    }

    private mutating func record(
        in body: UnsafeRawBufferPointer
    ) throws(RecordFormatError) -> RecordView {
        var fields = ByteReader(body)
        guard fields.readByte() != nil,  // Attributes, of which none is defined.
            let timestampDelta = fields.readVarlong(),
            let offsetDelta = fields.readRecordVarint(),
            let key = fields.readNullableRecordBytes(),
            let value = fields.readNullableRecordBytes(),
            let headerCount = fields.readRecordVarint(),
            let headers = RecordHeaders(fields.rest, count: Int(headerCount))
        else { throw .recordMalformed(index: index) }
        guard offsetDelta > lastDelta, offsetDelta <= batch.lastOffsetDelta else {
            throw .offsetDeltaOutOfOrder(index: index)
        }
        lastDelta = offsetDelta
        return RecordView(
            offset: batch.baseOffset + Int(offsetDelta),
            timestamp: timestamp(delta: timestampDelta),
            key: key,
            value: value,
            headers: headers
        )
    }

    private func timestamp(delta: Int64) -> Timestamp {
        switch batch.timestampType {
        case .createTime: Timestamp(rawValue: batch.baseTimestamp.rawValue &+ delta)
        case .logAppendTime: batch.maxTimestamp  // One time for the whole batch (KIP-32).
        }
    }
}

extension RecordBatchView {
    /// The records, decompressed where they have to be. They are valid as long as the batch is,
    /// and until `decompressor` is used again; they take at most `limit` bytes.
    public func records(
        decompressor: inout RecordDecompressor,
        limit: ByteCount
    ) throws(RecordFormatError) -> RecordCursor {
        guard let codec else { throw .codecUnknown(codecNumber) }
        let plain = try decompressor.decompress(recordBytes, codec: codec, limit: limit)
        return RecordCursor(batch: self, records: plain)
    }
}
