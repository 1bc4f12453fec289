import BrokerModel

/// Where each key of the part that is being cleaned has its last record: Kafka's offset map. It
/// takes the memory that it is given and no more; when that is full, the cleaning ends there.
final class KeyOffsets {
    /// A hash and an offset.
    static let entryBytes = 24
    /// As Kafka: fuller, and every look would walk over many other keys.
    private static let loadMax = 0.9

    /// No record at or below it is missing here.
    private(set) var lastOffset: Offset?
    private(set) var count = 0
    private let countMax: Int
    private let slots: UnsafeMutableBufferPointer<Slot>
    private let secret: KeyHash.Secret

    private struct Slot {
        var low: UInt64
        var high: UInt64
        /// -1 where there is no key.
        var offset: Int64
    }

    /// Of `memory` as much is taken as `keysMax` keys could need.
    init(memory: ByteCount, keysMax: Int, secret: KeyHash.Secret) {
        let affordable = max(2, memory.rawValue / Self.entryBytes)
        let wanted = keysMax >= affordable ? affordable : Int(Double(keysMax) / Self.loadMax) + 2
        slots = .allocate(capacity: min(affordable, wanted))
        slots.initialize(repeating: Slot(low: 0, high: 0, offset: -1))
        countMax = max(1, Int(Double(slots.count) * Self.loadMax))
        self.secret = secret
    }

    deinit { slots.deallocate() }

    /// Notes that `key` has a record at `offset`, the largest so far. False, and nothing noted,
    /// when there is no room for another key.
    func note(_ key: UnsafeRawBufferPointer, at offset: Offset) -> Bool {
        let hash = KeyHash(of: key, secret)
        let index = slot(of: hash)
        if slots[index].offset < 0 {
            guard count < countMax else { return false }
            count &+= 1
        }
        slots[index] = Slot(low: hash.low, high: hash.high, offset: offset.rawValue)
        lastOffset = offset
        return true
    }

    /// Notes that everything up to `offset` was looked at.
    func notePassed(_ offset: Offset) { lastOffset = max(lastOffset ?? offset, offset) }

    /// Where the key has its last record; nil for one that was not noted.
    func offset(of key: UnsafeRawBufferPointer) -> Offset? {
        let slot = slots[slot(of: KeyHash(of: key, secret))]
        return slot.offset < 0 ? nil : Offset(slot.offset)
    }

    /// The key's own slot, or the free one that it would get.
    private func slot(of hash: KeyHash) -> Int {
        let size = UInt64(slots.count)
        var index = Int(truncatingIfNeeded: hash.low.multipliedFullWidth(by: size).high)
        while true {
            let slot = slots[index]
            if slot.offset < 0 || slot.low == hash.low && slot.high == hash.high { return index }
            index &+= 1
            if index == slots.count { index = 0 }
        }
    }
}
