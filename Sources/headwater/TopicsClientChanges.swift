import BrokerModel
import KafkaWire

/// Requests that change a topic which is there. What the broker refuses ends the command.
extension TopicsClient {
    func alter(
        _ topic: String,
        _ changes: [IncrementalAlterConfigsRequest.Setting],
        validatesOnly: Bool
    ) throws {
        var request = IncrementalAlterConfigsRequest(resources: [
            .init(type: .topic, name: topic, settings: changes)
        ])
        request.validatesOnly = validatesOnly
        let response = try client.exchange(
            .incrementalAlterConfigs,
            1,
            request.write(to:version:),
            IncrementalAlterConfigsResponse.init(reading:version:)
        )
        guard let refused = response.results.first(where: { $0.errorCode != .none }) else { return }
        throw Self.refusal(topic, refused.errorCode, refused.errorMessage)
    }

    func grow(_ topic: String, to count: Int32, validatesOnly: Bool) throws {
        var request = CreatePartitionsRequest(
            topics: [.init(name: topic, count: count)],
            timeoutMilliseconds: Self.timeoutMilliseconds
        )
        request.validatesOnly = validatesOnly
        let response = try client.exchange(
            .createPartitions,
            3,
            request.write(to:version:),
            CreatePartitionsResponse.init(reading:version:)
        )
        guard let refused = response.results.first(where: { $0.errorCode != .none }) else { return }
        throw Self.refusal(topic, refused.errorCode, refused.errorMessage)
    }

    /// Returns the first offset that each partition has left.
    func deleteRecords(
        of topic: String,
        _ partitions: [Int32],
        before offset: Int64
    ) throws -> [(index: Int32, first: Int64)] {
        let request = DeleteRecordsRequest(
            topics: [
                .init(
                    name: topic,
                    partitions: partitions.map { .init(index: $0, offset: Offset(offset)) }
                )
            ],
            timeoutMilliseconds: Self.timeoutMilliseconds
        )
        let response = try client.exchange(
            .deleteRecords,
            2,
            request.write(to:version:),
            DeleteRecordsResponse.init(reading:version:)
        )
        let results = response.topics.flatMap(\.partitions).sorted { $0.index < $1.index }
        if let refused = results.first(where: { $0.errorCode != .none }) {
            let why: String? =
                switch refused.errorCode {
                case .offsetOutOfRange: "partition \(refused.index) does not reach that offset"
                case .policyViolation: "its cleanup.policy does not include delete"
                case .invalidTopic: "it is the broker's own"
                default: nil
                }
            throw Self.refusal(topic, refused.errorCode, why)
        }
        return results.map { ($0.index, $0.lowWatermark.rawValue) }
    }

    /// How large each partition is on the disk; empty where the broker does not say.
    func sizes(of topic: String, _ partitions: [Int32]) throws -> [Int32: Int64] {
        let request = DescribeLogDirsRequest(topics: [.init(name: topic, partitions: partitions)])
        let response = try client.exchange(
            .describeLogDirs,
            4,
            request.write(to:version:),
            DescribeLogDirsResponse.init(reading:version:)
        )
        var sizes: [Int32: Int64] = [:]
        for partition in response.directories.flatMap(\.topics).flatMap(\.partitions) {
            sizes[partition.index] = partition.sizeInBytes
        }
        return sizes
    }
}
