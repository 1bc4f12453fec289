import BrokerModel
import HeadwaterTesting
import RecordFormat
import Testing

/// Bytes that mean nothing, and bytes that almost mean something, into every parser.
@Suite struct RandomBytesTests {
    @Test(arguments: 1...8)
    func `no bytes make a parser trap`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let noise = random.bytes(Int.random(in: 0...200, using: &random))
            readEverything(noise)
            readEverything(framed(noise, random: &random))
        }
    }

    @Test(arguments: 1...8)
    func `no change to a right batch makes a parser trap`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed &+ 100)
        for round in 0..<200 {
            let input = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                TestRecord.random(&random)
            }
            var batch = try sealed(input, compressed: round % 2 == 0)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // Most changes go behind the frame, where there is more to get wrong.
                let place = Int.random(in: 0..<10, using: &random) == 0 ? 0 : 21
                let index = Int.random(in: place..<batch.count, using: &random)
                batch[index] =
                    [0, 1, 0x7f, 0x80, 0xff, UInt8.random(in: 0...255, using: &random)]
                    .randomElement(using: &random) ?? 0
            }
            batch.repairCRC()
            readEverything(batch)
        }
    }

    /// Whatever it finds, it ends.
    private func readEverything(_ bytes: [UInt8]) {
        _ = try? records(in: bytes, limit: .kibibytes(64))
        bytes.withUnsafeBytes { input in
            _ = RecordBatchView.claimedSize(in: input)
            guard let view = try? RecordBatchView.first(in: input) else { return }
            try? view.check(from: .producer)
            try? view.check(from: .log)
            _ = (view.lastOffset, view.nextOffset, view.codec, view.timestampType)
        }
        var decompressor = RecordDecompressor()
        for codec in CompressionCodec.allCases {
            _ = bytes.withUnsafeBytes {
                try? decompressor.decompress($0, codec: codec, limit: .kibibytes(64)).count
            }
        }
    }

    /// Noise behind a header that `first` believes.
    private func framed(_ noise: [UInt8], random: inout SeededGenerator) -> [UInt8] {
        var batch = [UInt8](KafkaBatch.bytes[..<61]) + noise
        batch.patch(Int32(49 + noise.count), at: 8)
        batch[22] = UInt8.random(in: 0...15, using: &random)
        batch.patch(Int32.random(in: -1...5, using: &random), at: 57)
        batch.patch(Int32.random(in: -1...100, using: &random), at: 23)
        return batch
    }
}
