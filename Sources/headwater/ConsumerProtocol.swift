import BrokerModel

/// What consumers tell each other through the broker, which only passes it on: the classic
/// protocol's ConsumerProtocolSubscription and ConsumerProtocolAssignment. Each version begins with
/// the fields of version 0, and no more is needed here.
package enum ConsumerProtocol {
    package static func subscription(to topics: [String]) -> [UInt8] {
        bytes { output in
            output.writeInteger(Int32(topics.count))
            for topic in topics { write(topic, to: &output) }
        }
    }

    /// Nil when the bytes are no subscription.
    package static func topics(ofSubscription bytes: [UInt8]) -> [String]? {
        read(bytes) { reader in
            guard let count = count(&reader) else { return nil }
            var topics: [String] = []
            for _ in 0..<count {
                guard let topic = text(&reader) else { return nil }
                topics.append(topic)
            }
            return topics
        }
    }

    package static func assignment(of partitions: [PartitionName]) -> [UInt8] {
        let topics = Dictionary(grouping: partitions, by: \.topic).sorted { $0.key < $1.key }
        return bytes { output in
            output.writeInteger(Int32(topics.count))
            for (topic, partitions) in topics {
                write(topic, to: &output)
                output.writeInteger(Int32(partitions.count))
                for partition in partitions.sorted() { output.writeInteger(partition.index) }
            }
        }
    }

    /// Nil when the bytes are no assignment. No bytes at all assign nothing.
    package static func partitions(ofAssignment bytes: [UInt8]) -> [PartitionName]? {
        guard !bytes.isEmpty else { return [] }
        return read(bytes) { reader in
            guard let count = count(&reader) else { return nil }
            var partitions: [PartitionName] = []
            for _ in 0..<count {
                guard let topic = text(&reader), let indexes = self.count(&reader) else {
                    return nil
                }
                for _ in 0..<indexes {
                    guard let index = reader.readInteger(Int32.self) else { return nil }
                    partitions.append(PartitionName(topic: topic, index: index))
                }
            }
            return partitions
        }
    }

    private static func bytes(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
        var output = ByteWriter()
        output.writeInteger(Int16(0))  // Version
        body(&output)
        output.writeInteger(Int32(-1))  // User data: none
        return Array(output.bytes)
    }

    private static func read<Value>(
        _ bytes: [UInt8],
        _ body: (inout ByteReader) -> Value?
    ) -> Value? {
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard let version = reader.readInteger(Int16.self), version >= 0 else { return nil }
            return body(&reader)
        }
    }

    /// No element takes less than two bytes: a wild count ends here at once.
    private static func count(_ reader: inout ByteReader) -> Int? {
        guard let count = reader.readInteger(Int32.self), count >= 0, count <= reader.remaining / 2
        else { return nil }
        return Int(count)
    }

    private static func write(_ text: String, to output: inout ByteWriter) {
        output.writeInteger(Int16(clamping: text.utf8.count))
        output.writeUTF8(text)
    }

    private static func text(_ reader: inout ByteReader) -> String? {
        guard let length = reader.readInteger(Int16.self), length >= 0,
            let bytes = reader.readBytes(Int(length))
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
