import BrokerModel
import HeadwaterTesting
import RecordFormat

/// Batches of numbered records by several publishers, built once: a simulation spends its time on
/// crashes. Some batches are compressed, some hold one record, some hold many.
struct BatchPool: Sendable {
    struct Batch: Sendable {
        let bytes: [UInt8]
        let recordCount: Int
    }

    static let publishers = 5
    static let shared = BatchPool(batchesPerPublisher: 150)

    private let batches: [[Batch]]

    private init(batchesPerPublisher: Int) {
        var generator = SeededGenerator(seed: 42)
        var compressor = ZstdCompressor()
        batches = (0..<Self.publishers).map { publisher in
            var nextNumber = 0
            return (0..<batchesPerPublisher).map { _ in
                let count = generator.oneIn(3) ? 1 : generator.within(2...24)
                defer { nextNumber += count }
                return Self.build(
                    publisher: publisher,
                    numbers: nextNumber..<nextNumber + count,
                    isCompressed: generator.oneIn(2),
                    &compressor
                )
            }
        }
    }

    /// The batches of a publisher come round again when they are used up.
    func batch(_ index: Int, of publisher: Int) -> Batch {
        batches[publisher][index % batches[publisher].count]
    }

    private static func build(
        publisher: Int,
        numbers: Range<Int>,
        isCompressed: Bool,
        _ compressor: inout ZstdCompressor
    ) -> Batch {
        var builder = RecordBatchBuilder()
        var output = ByteWriter()
        for number in numbers {
            let value = Array("publisher \(publisher) record \(number)".utf8)
            let timestamp = Timestamp(milliseconds: 1_800_000_000_000 + Int64(number))
            value.withUnsafeBytes { value in
                do throws(RecordFormatError) {
                    try builder.append(timestamp: timestamp, key: nil, value: value)
                } catch {
                    preconditionFailure("a small batch is never too large")
                }
            }
        }
        if isCompressed {
            builder.seal(compressor: &compressor, into: &output)
        } else {
            builder.sealUncompressed(into: &output)
        }
        return Batch(bytes: Array(output.bytes), recordCount: numbers.count)
    }
}
