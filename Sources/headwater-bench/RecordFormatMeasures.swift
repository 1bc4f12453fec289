import BrokerModel
import RecordFormat

/// Record batches: built, checked, walked, at the sizes that producers send.
func measureRecordFormat(_ measurements: Measurements) throws {
    measureChecksum(measurements)
    let pattern = PayloadPattern(size: 200)
    for (shape, records) in [("1", 1), ("20", 20), ("1000", 1_000), ("5000", 5_000)] {
        let batches = TelemetryBatches(records: records, pattern: pattern)
        let repeats = max(1, 1_000 / records)
        let operations = repeats * records
        try measureBuilding(measurements, batches, shape: shape, repeats: repeats)
        for codec in [CompressionCodec.none, .zstd] {
            let batch = try batches.sealed(codec)
            let name = "\(shape)x200B-\(codec)"
            var validator = RecordBatchValidator()
            let rules = ValidationRules()
            try measurements.measure(
                "record-format/validate/\(name)",
                operations: operations,
                bytes: repeats * batch.count
            ) {
                try batch.withUnsafeBytes { bytes in
                    for _ in 0..<repeats {
                        guard let view = try RecordBatchView.first(in: bytes) else {
                            preconditionFailure("a batch of our own is whole")
                        }
                        try validator.validate(view, rules: rules)
                    }
                }
            }
            try measureCursor(measurements, batch, name: name, records: records, repeats: repeats)
        }
    }
}

private func measureChecksum(_ measurements: Measurements) {
    let block = [UInt8](repeating: 0x5a, count: 65_536)
    let expected = block.withUnsafeBytes { Checksum.crc32c($0) }
    measurements.measure("record-format/crc32c/64KiB", operations: 100, bytes: 6_553_600) {
        for _ in 0..<100 {
            checkAnswer(block.withUnsafeBytes { Checksum.crc32c($0) } == expected)
        }
    }
}

private func measureBuilding(
    _ measurements: Measurements,
    _ batches: TelemetryBatches,
    shape: String,
    repeats: Int
) throws {
    let expected = try (batches.sealed(.none), batches.sealed(.zstd))
    let operations = repeats * batches.records
    var builder = RecordBatchBuilder()
    var compressor = ZstdCompressor()
    var output = ByteWriter()
    try measurements.measure("record-format/build/\(shape)x200B-none", operations: operations) {
        for _ in 0..<repeats {
            output.removeAll()
            try batches.fill(&builder)
            builder.sealUncompressed(into: &output)
        }
        checkAnswer(output.count == expected.0.count)
    }
    try measurements.measure("record-format/build/\(shape)x200B-zstd", operations: operations) {
        for _ in 0..<repeats {
            output.removeAll()
            try batches.fill(&builder)
            builder.seal(compressor: &compressor, into: &output)
        }
        checkAnswer(output.count == expected.1.count)
    }
}

private func measureCursor(
    _ measurements: Measurements,
    _ batch: [UInt8],
    name: String,
    records: Int,
    repeats: Int
) throws {
    var decompressor = RecordDecompressor()
    try measurements.measure("record-format/walk/\(name)", operations: repeats * records) {
        try batch.withUnsafeBytes { bytes in
            for _ in 0..<repeats {
                guard let view = try RecordBatchView.first(in: bytes) else { return }
                var cursor = try view.records(decompressor: &decompressor, limit: .mebibytes(16))
                var count = 0
                while try cursor.next() != nil { count += 1 }
                checkAnswer(count == records)
            }
        }
    }
}

/// Batches of telemetry whose contents are known.
struct TelemetryBatches {
    let records: Int
    let pattern: PayloadPattern
    private let values: [UInt8]

    /// The records `first`, `first + 1`, ... of one producer, marked with the run they belong to.
    init(records: Int, pattern: PayloadPattern, producer: Int = 0, run: Int64 = 0, first: Int = 0) {
        self.records = records
        self.pattern = pattern
        let payloadBytes = pattern.size
        values = [UInt8](unsafeUninitializedCapacity: records * payloadBytes) { buffer, count in
            count = records * payloadBytes
            guard let start = UnsafeMutableRawBufferPointer(buffer).baseAddress else { return }
            for index in 0..<records {
                pattern.write(
                    device: producer,
                    sequence: first + index,
                    time: run,
                    to: start + index * payloadBytes
                )
            }
        }
    }

    func fill(_ builder: inout RecordBatchBuilder) throws(RecordFormatError) {
        for index in 0..<records { try append(index, to: &builder) }
    }

    private func append(
        _ index: Int,
        to builder: inout RecordBatchBuilder
    ) throws(RecordFormatError) {
        let size = pattern.size
        let failure: RecordFormatError? = values.withUnsafeBytes { values in
            let value = UnsafeRawBufferPointer(rebasing: values[index * size..<(index + 1) * size])
            do throws(RecordFormatError) {
                try builder.append(
                    timestamp: Timestamp(milliseconds: 1_790_000_000_000 + Int64(index)),
                    key: UnsafeRawBufferPointer(rebasing: value[..<12]),
                    value: value
                )
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    func sealed(_ codec: CompressionCodec) throws -> [UInt8] {
        var builder = RecordBatchBuilder()
        var output = ByteWriter()
        try fill(&builder)
        switch codec {
        case .zstd:
            var compressor = ZstdCompressor()
            builder.seal(compressor: &compressor, into: &output)
        case .none, .gzip, .snappy, .lz4: builder.sealUncompressed(into: &output)
        }
        return [UInt8](output.bytes)
    }
}
