/// MurmurHash2 of 32 bits as Kafka's clients compute it, seed included. Whoever chooses a partition
/// by it puts a key where every Kafka producer with the default partitioner would put it.
public enum Murmur2 {
    private static let seed: UInt32 = 0x9747_b28c
    private static let multiplier: UInt32 = 0x5bd1_e995

    public static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var hash = seed ^ UInt32(truncatingIfNeeded: bytes.count)
        var index = 0
        while index &+ 4 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)
            var mixed = UInt32(littleEndian: word) &* multiplier
            mixed ^= mixed &>> 24
            hash = (hash &* multiplier) ^ (mixed &* multiplier)
            index &+= 4
        }
        if index < bytes.count {
            var tail: UInt32 = 0
            for place in (index..<bytes.count).reversed() {
                tail = tail &<< 8 | UInt32(bytes[place])
            }
            hash = (hash ^ tail) &* multiplier
        }
        hash = (hash ^ hash &>> 13) &* multiplier
        return hash ^ hash &>> 15
    }

    /// The partition of a record with this key, of `count`, which is at least 1.
    public static func partition(ofKey key: UnsafeRawBufferPointer, among count: Int) -> Int {
        partition(ofHash: hash(key), among: count)
    }

    /// The same for a hash that is at hand. Kafka drops the sign bit before it divides.
    @inlinable public static func partition(ofHash hash: UInt32, among count: Int) -> Int {
        Int(hash & 0x7fff_ffff) % count
    }
}
