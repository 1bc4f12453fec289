import BrokerModel
import Testing

@Suite struct MemoryPoolTests {
    @Test func `a full pool says no until something comes back`() {
        let pool = MemoryPool(name: "test", capacity: .kibibytes(1))
        #expect(pool.reserve(ByteCount(1_000)))
        #expect(!pool.reserve(ByteCount(100)))
        #expect(pool.used == ByteCount(1_000) && pool.refusalCount == 1)
        pool.release(ByteCount(500))
        #expect(pool.reserve(ByteCount(100)))
    }

    @Test func `what is larger than an empty pool is lent all the same`() {
        let pool = MemoryPool(name: "test", capacity: ByteCount(10))
        #expect(pool.reserve(ByteCount(1_000)))
        #expect(!pool.reserve(ByteCount(1)))
    }
}
