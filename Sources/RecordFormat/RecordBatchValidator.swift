import BrokerModel

/// Checks a producer's batch to the last byte before a log takes it: what passes can be read by
/// everybody, and by this module's cursor without an error.
///
/// Keeps its decompressor: one a loop, reused.
public struct RecordBatchValidator: ~Copyable {
    private var decompressor = RecordDecompressor()

    /// What all batches took once decompressed, those included that were then refused: the
    /// measure of the work.
    public var bytesDecompressed: Int { decompressor.bytesMade }

    public init() {}

    /// Throws the first fault. `maxTimestampWrong` comes last: a batch with no other fault may be
    /// corrected (`RecordBatchEditor.setMaxTimestamp`) and taken.
    public mutating func validate(
        _ batch: RecordBatchView,
        rules: ValidationRules
    ) throws(RecordFormatError) {
        try batch.check(from: .producer)
        try Self.checkAttributes(of: batch, rules)
        guard let codec = batch.codec else { throw .codecUnknown(batch.codecNumber) }
        defer { decompressor.trim() }
        let records = try decompressor.decompress(
            batch.recordBytes,
            codec: codec,
            limit: rules.decompressedBytesMax
        )
        var walk = RecordWalk(records, baseTimestamp: batch.baseTimestamp, rules: rules)
        try walk.checkRecords(count: Int(batch.recordCount))
        guard rules.timestampType == .createTime, walk.maxTimestamp != batch.maxTimestamp else {
            return
        }
        throw .maxTimestampWrong(stored: batch.maxTimestamp, computed: walk.maxTimestamp)
    }

    private static func checkAttributes(
        of batch: RecordBatchView,
        _ rules: ValidationRules
    ) throws(RecordFormatError) {
        if batch.isControl { throw .attributeNotAllowed(.control) }
        if batch.isTransactional, !rules.allowsTransactions {
            throw .attributeNotAllowed(.transactional)
        }
        if batch.timestampType == .logAppendTime { throw .attributeNotAllowed(.logAppendTime) }
        // It would give the base timestamp another meaning (KIP-534).
        if batch.hasDeleteHorizon { throw .attributeNotAllowed(.deleteHorizon) }
    }
}
