import BrokerModel
import MQTTWire

/// The topics that a client gave numbers (MQTT 5, 3.3.2.3.4), in copies of our own. A topic lent
/// from here stays valid until its alias is set anew or the table ends.
struct TopicAliases: ~Copyable {
    private var topics: [UnsafeMutableRawBufferPointer?] = []
    private let memory: MemoryPool

    init(memory: MemoryPool) { self.memory = memory }

    deinit {
        for topic in topics {
            guard let topic else { continue }
            memory.release(ByteCount(topic.count))
            topic.deallocate()
        }
    }

    func topic(_ alias: UInt16) -> UnsafeRawBufferPointer? {
        guard alias > 0, Int(alias) <= topics.count, let topic = topics[Int(alias) - 1] else {
            return nil
        }
        return UnsafeRawBufferPointer(topic)
    }

    /// False when the memory pool is full. The caller has checked the alias against its maximum.
    mutating func set(_ alias: UInt16, to topic: UnsafeRawBufferPointer) -> Bool {
        guard memory.reserve(ByteCount(topic.count)) else { return false }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: topic.count, alignment: 8)
        copy.copyMemory(from: topic)
        while topics.count < Int(alias) { topics.append(nil) }
        if let previous = topics[Int(alias) - 1] {
            memory.release(ByteCount(previous.count))
            previous.deallocate()
        }
        topics[Int(alias) - 1] = copy
        return true
    }
}
