import KafkaWire
import Testing

@Suite(.enabled(if: !RecordedPair.all.isEmpty, "\(RecordedPair.note)"))
struct RecordedFramesTests {
    @Test func `every recorded request is read whole and written back to the same bytes`() throws {
        for pair in RecordedPair.all {
            try pair.request.withUnsafeBytes { input in
                let rewritten = try Exchange.request(input)
                #expect(rewritten.unread == 0, "\(pair.place)")
                #expect(rewritten.bytes == pair.request, "\(pair.place)")
            }
        }
    }

    @Test func `every recorded response is read whole and written back to the same bytes`() throws {
        for pair in RecordedPair.all {
            guard let response = pair.response else { continue }
            try response.withUnsafeBytes { input in
                let rewritten = try Exchange.response(input, pair.api, pair.version)
                #expect(rewritten.unread == 0, "\(pair.place)")
                #expect(rewritten.bytes == response, "\(pair.place)")
            }
        }
    }

    @Test func `every truncation of every recorded frame is refused`() {
        for pair in RecordedPair.all {
            pair.request.withUnsafeBytes { input in
                for length in cuts(input.count) {
                    let cut = UnsafeRawBufferPointer(rebasing: input[..<length])
                    #expect(throws: KafkaWireError.self, "\(pair.place) cut at \(length)") {
                        _ = try Exchange.request(cut)
                    }
                }
            }
            pair.response?.withUnsafeBytes { input in
                for length in cuts(input.count) {
                    let cut = UnsafeRawBufferPointer(rebasing: input[..<length])
                    #expect(throws: KafkaWireError.self, "\(pair.place) cut at \(length)") {
                        _ = try Exchange.response(cut, pair.api, pair.version)
                    }
                }
            }
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `frames with flipped bytes never trap`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for pair in RecordedPair.all {
            let damaged = random.damage(pair.request)
            damaged.withUnsafeBytes { _ = try? Exchange.request($0) }
            guard let response = pair.response else { continue }
            for _ in 0..<4 {
                let damaged = random.damage(response)
                damaged.withUnsafeBytes { _ = try? Exchange.response($0, pair.api, pair.version) }
            }
        }
    }

    /// All cuts of short frames; of long ones, which are records for the most part, every 7th.
    private func cuts(_ length: Int) -> StrideTo<Int> {
        stride(from: 0, to: length, by: length > 2_000 ? 7 : 1)
    }
}
