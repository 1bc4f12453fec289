import BrokerModel

/// What a consumer says of itself when it joins: ConsumerProtocolSubscription, as far as a
/// coordinator looks into it. Newer versions only add to the end.
enum ConsumerSubscription {
    static let protocolType = "consumer"

    /// The topics that it reads; nil when these bytes are something else.
    static func topics(in metadata: [UInt8]) -> [String]? {
        metadata.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard reader.readInteger(Int16.self) != nil, let count = reader.readInteger(Int32.self),
                count >= 0, count <= reader.remaining / 2
            else { return nil }
            var topics: [String] = []
            for _ in 0..<count {
                guard let length = reader.readInteger(Int16.self),
                    let name = reader.readBytes(Int(length)),
                    let topic = String(validating: name, as: UTF8.self)
                else { return nil }
                topics.append(topic)
            }
            return topics
        }
    }
}
