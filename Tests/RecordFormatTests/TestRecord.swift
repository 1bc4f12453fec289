import BrokerModel
import HeadwaterTesting
import RecordFormat

/// A record that owns its bytes, to compare what went in with what came out.
struct TestRecord: Equatable, CustomStringConvertible {
    struct Header: Equatable {
        var name: [UInt8]
        var value: [UInt8]?
    }

    var timestamp: Int64
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [Header] = []

    var description: String {
        "(\(timestamp), key \(key?.count ?? -1), value \(value?.count ?? -1), \(headers.count) h)"
    }

    init(timestamp: Int64, key: [UInt8]?, value: [UInt8]?, headers: [Header] = []) {
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }

    init(timestamp: Int64, key: String?, value: String?) {
        self.init(
            timestamp: timestamp,
            key: key.map { [UInt8]($0.utf8) },
            value: value.map { [UInt8]($0.utf8) }
        )
    }

    init(_ view: RecordView) {
        timestamp = view.timestamp.rawValue
        key = view.key.map { [UInt8]($0) }
        value = view.value.map { [UInt8]($0) }
        var rest = view.headers
        while let header = rest.next() {
            headers.append(
                Header(name: [UInt8](header.name), value: header.value.map { [UInt8]($0) })
            )
        }
    }

    /// Any record, with the lengths at which varints grow among the likely ones.
    static func random(_ random: inout SeededGenerator) -> TestRecord {
        let lengths = [0, 1, 10, 63, 64, 65, 127, 128, 300]
        func bytes() -> [UInt8]? {
            guard Int.random(in: 0..<6, using: &random) > 0 else { return nil }
            return random.bytes(lengths.randomElement(using: &random) ?? 0)
        }
        let headers = (0..<Int.random(in: 0...3, using: &random)).map { _ in
            Header(name: random.bytes(Int.random(in: 0...12, using: &random)), value: bytes())
        }
        let time = Int64.random(in: -100_000...100_000, using: &random)
        return TestRecord(
            timestamp: 1_700_000_000_000 + time,
            key: bytes(),
            value: bytes(),
            headers: headers
        )
    }
}

extension RecordBatchBuilder {
    mutating func append(_ record: TestRecord) throws {
        var headers = ByteWriter()
        for header in record.headers {
            withBytes(header.name) { name in
                withBytes(header.value) {
                    headers.writeRecordHeader(name: name ?? .empty, value: $0)
                }
            }
        }
        try withBytes(record.key) { key in
            try withBytes(record.value) { value in
                try append(
                    timestamp: Timestamp(milliseconds: record.timestamp),
                    key: key,
                    value: value,
                    headerCount: record.headers.count,
                    headerBytes: headers.bytes
                )
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    static var empty: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
}

/// Lends the bytes, or nil.
func withBytes<Result>(
    _ bytes: [UInt8]?,
    _ body: (UnsafeRawBufferPointer?) throws -> Result
) rethrows -> Result {
    guard let bytes else { return try body(nil) }
    return try bytes.withUnsafeBytes { try body($0) }
}

/// A batch of these records as the builder seals it.
func sealed(_ records: [TestRecord], compressed: Bool) throws -> [UInt8] {
    var builder = RecordBatchBuilder()
    for record in records { try builder.append(record) }
    var output = ByteWriter()
    if compressed {
        var compressor = ZstdCompressor()
        builder.seal(compressor: &compressor, into: &output)
    } else {
        builder.sealUncompressed(into: &output)
    }
    return [UInt8](output.bytes)
}

/// All records of the first batch in `bytes`, each with its offset.
func records(
    in bytes: [UInt8],
    limit: ByteCount = .mebibytes(16)
) throws -> [(offset: Int64, record: TestRecord)] {
    var decompressor = RecordDecompressor()
    return try bytes.withUnsafeBytes { input in
        guard let batch = try RecordBatchView.first(in: input) else { return [] }
        var cursor = try batch.records(decompressor: &decompressor, limit: limit)
        var found: [(offset: Int64, record: TestRecord)] = []
        while let record = try cursor.next() {
            found.append((record.offset.rawValue, TestRecord(record)))
        }
        return found
    }
}

/// The bytes that `text` spells in hexadecimal; spaces and line ends do not count.
func hex(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in text where !digit.isWhitespace {
        guard let value = digit.hexDigitValue.map({ UInt8($0) }) else { continue }
        if let first = high {
            bytes.append(first << 4 | value)
            high = nil
        } else {
            high = value
        }
    }
    return bytes
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
