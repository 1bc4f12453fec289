import BrokerModel
import KafkaWire
import Posix

extension KafkaTopic {
    private static let createVersion: Int16 = 5
    private static let describeVersion: Int16 = 4

    /// Makes the topic, unless it is there already.
    static func create(
        _ name: String,
        partitions: Int32,
        at address: SocketAddress
    ) throws(LoadError) {
        var topic = CreateTopicsRequest.Topic(name: name)
        topic.partitionCount = partitions
        let request = CreateTopicsRequest(topics: [topic], timeoutMilliseconds: 30_000)
        let version = createVersion
        let answer = try LoadSocket(to: address).askKafka(.createTopics, version: version) {
            request.write(to: &$0, version: version)
        } decode: { reader throws(KafkaWireError) in
            try CreateTopicsResponse(reading: &reader, version: version)
        }
        let code = answer.topics.first?.errorCode ?? .none
        guard code == .none || code == .topicAlreadyExists else {
            throw .refused("topic \(name): \(code)")
        }
    }

    /// What the broker itself says of the topic's durability: Headwater's key of that name, or with
    /// other brokers the settings that decide when a record is forced to the disk.
    static func durability(of name: String, at address: SocketAddress) throws(LoadError) -> String {
        let keys = ["durability", "flush.messages", "flush.ms"]
        let version = describeVersion
        let request = DescribeConfigsRequest(resources: [
            .init(type: .topic, name: name, keys: keys)
        ])
        let answer = try LoadSocket(to: address).askKafka(.describeConfigs, version: version) {
            request.write(to: &$0, version: version)
        } decode: { reader throws(KafkaWireError) in
            try DescribeConfigsResponse(reading: &reader, version: version)
        }
        guard let found = answer.results.first, found.errorCode == .none else {
            return "unknown: the broker does not tell"
        }
        let told = keys.compactMap { key in
            found.entries.first { $0.name == key }.map { "\(key)=\($0.value ?? "")" }
        }
        return told.isEmpty ? "unknown: the broker does not tell" : told.joined(separator: " ")
    }
}
