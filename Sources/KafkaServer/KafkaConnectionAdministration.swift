import BrokerModel
import KafkaWire

// One connection's requests that change or describe the broker. What changes it is in
// KafkaConnectionChanges.swift, because it waits for the storage loop.
extension KafkaConnectionHandler {
    func administration(
        _ api: KafkaAPI,
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        switch api {
        case .createPartitions: return try createPartitions(&reader, header, &output)
        case .deleteRecords: return try deleteRecords(&reader, header, &output)
        case .alterConfigs: return try alterConfigs(&reader, header, &output)
        case .incrementalAlterConfigs:
            return try incrementalAlterConfigs(&reader, header, &output)
        case .describeCluster, .describeTopicPartitions, .listConfigResources:
            try describe(api, &reader, header, &output)
        case .describeLogDirs, .alterReplicaLogDirs, .electLeaders, .alterPartitionReassignments,
            .listPartitionReassignments:
            try place(api, &reader, header, &output)
        case .describeAcls, .createAcls, .deleteAcls:
            try acls(api, &reader, header, &output)
        default: throw .unknownAPI(header.apiKey)
        }
        return .answered
    }

    private func describe(
        _ api: KafkaAPI,
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) {
        let version = header.apiVersion
        switch api {
        case .describeCluster:
            let request = try DescribeClusterRequest(reading: &reader, version: version)
            let response = answers.describeCluster(request, version: version)
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        case .describeTopicPartitions:
            let request = try DescribeTopicPartitionsRequest(reading: &reader, version: version)
            let response = answers.describeTopicPartitions(request)
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        default:
            let request = try ListConfigResourcesRequest(reading: &reader, version: version)
            let response = answers.listConfigResources(request, version: version)
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        }
    }

    private func place(
        _ api: KafkaAPI,
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) {
        let version = header.apiVersion
        switch api {
        case .describeLogDirs:
            let request = try DescribeLogDirsRequest(reading: &reader, version: version)
            let response = answers.describeLogDirs(request)
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        case .alterReplicaLogDirs:
            let request = try AlterReplicaLogDirsRequest(reading: &reader, version: version)
            let response = answers.alterReplicaLogDirs(request)
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        case .electLeaders:
            let request = try ElectLeadersRequest(reading: &reader, version: version)
            let response = answers.electLeaders(request)
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        case .alterPartitionReassignments:
            let request = try AlterPartitionReassignmentsRequest(reading: &reader, version: version)
            let response = answers.alterPartitionReassignments(request)
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        default:
            _ = try ListPartitionReassignmentsRequest(reading: &reader, version: version)
            let response = ListPartitionReassignmentsResponse(topics: [])
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        }
    }

    private func acls(
        _ api: KafkaAPI,
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) {
        let version = header.apiVersion
        switch api {
        case .describeAcls:
            _ = try DescribeAclsRequest(reading: &reader, version: version)
            let response = BrokerAnswers.describeAcls()
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        case .createAcls:
            let request = try CreateAclsRequest(reading: &reader, version: version)
            let response = BrokerAnswers.createAcls(request)
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        default:
            let request = try DeleteAclsRequest(reading: &reader, version: version)
            let response = BrokerAnswers.deleteAcls(request)
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        }
    }
}
