import BrokerModel
import Foundation
import Testing

@Suite struct Murmur2Tests {
    private struct Vector {
        let key: [UInt8]
        let hash: UInt32
        let ofThree: Int
        let ofTwelve: Int
    }

    /// What a client of Kafka's computes.
    private func vectors() throws -> [Vector] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../vectors/murmur2.tsv")
        let text = try String(contentsOf: file, encoding: .utf8)
        return try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            let digits = Array(fields[0].utf8)
            let key = try stride(from: 0, to: digits.count, by: 2).map {
                try #require(UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16))
            }
            return Vector(
                key: key,
                hash: try #require(UInt32(fields[1], radix: 16)),
                ofThree: try #require(Int(fields[2])),
                ofTwelve: try #require(Int(fields[3]))
            )
        }
    }

    @Test func `keys of every length hash and fall to partitions as in Kafka's clients`() throws {
        let vectors = try vectors()
        #expect(vectors.count >= 50)
        for vector in vectors {
            vector.key.withUnsafeBytes { key in
                #expect(Murmur2.hash(key) == vector.hash, "\(vector.key)")
                #expect(Murmur2.partition(ofKey: key, among: 3) == vector.ofThree)
                #expect(Murmur2.partition(ofKey: key, among: 12) == vector.ofTwelve)
                #expect(Murmur2.partition(ofKey: key, among: 1) == 0)
            }
        }
    }
}
