import HeadwaterTesting
import RecordFormat
import Testing

@Suite struct ChecksumTests {
    @Test func `the checksums of the standard's own examples come out (RFC 3720, B.4)`() {
        let ascending = (0..<32).map { UInt8($0) }
        #expect(crc(Array("123456789".utf8)) == 0xe306_9283)
        #expect(crc([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(crc([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(crc(ascending) == 0x46dd_794e)
        #expect(crc(ascending.reversed()) == 0x113f_db5c)
        #expect(crc([]) == 0)
    }

    @Test func `instructions and tables agree at every length and alignment`() {
        var random = SeededGenerator(seed: 1)
        let input = random.bytes(2008)
        input.withUnsafeBytes { all in
            guard Checksum.hardwareCRC32C(all) != nil else { return }
            for length in 0...2000 {
                for start in 0..<8 {
                    let part = UnsafeRawBufferPointer(rebasing: all[start..<start + length])
                    let tables = Checksum.portableCRC32C(part, continuing: UInt32(length))
                    let instructions = Checksum.hardwareCRC32C(part, continuing: UInt32(length))
                    if tables != instructions {
                        Issue.record("they differ at length \(length), start \(start)")
                    }
                }
            }
        }
    }

    @Test func `both agree with the definition, bit by bit`() {
        var random = SeededGenerator(seed: 2)
        for length in [0, 1, 7, 8, 9, 255, 767, 768, 769, 6143, 6144, 6145, 20_000] {
            let input = random.bytes(length)
            let expected = bitByBit(input)
            input.withUnsafeBytes { bytes in
                #expect(Checksum.portableCRC32C(bytes) == expected, "length \(length)")
                #expect(Checksum.crc32c(bytes) == expected, "length \(length)")
            }
        }
    }

    @Test func `a checksum goes on where the one before it ended`() {
        var random = SeededGenerator(seed: 3)
        let input = random.bytes(9000)
        for cut in [0, 1, 100, 4097, 8999, 9000] {
            let first = crc(Array(input[..<cut]))
            let both = input[cut...].withUnsafeBytes { Checksum.crc32c($0, continuing: first) }
            #expect(both == crc(input), "cut at \(cut)")
        }
    }

    private func crc(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { Checksum.crc32c($0) }
    }

    private func bitByBit(_ bytes: [UInt8]) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 0 ? 0 : 0x82f6_3b78) }
        }
        return ~crc
    }
}
