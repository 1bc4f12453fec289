import BrokerModel
import KafkaWire

/// What all bodies of requests and responses have, so that a test can go through them.
protocol WireBody {
    init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError)
    func write(to output: inout ByteWriter, version: Int16)
}

extension KafkaAPI {
    var requestType: any WireBody.Type {
        switch self {
        case .produce: ProduceRequest.self
        case .fetch: FetchRequest.self
        case .listOffsets: ListOffsetsRequest.self
        case .metadata: MetadataRequest.self
        case .offsetCommit: OffsetCommitRequest.self
        case .offsetFetch: OffsetFetchRequest.self
        case .findCoordinator: FindCoordinatorRequest.self
        case .joinGroup: JoinGroupRequest.self
        case .heartbeat: HeartbeatRequest.self
        case .leaveGroup: LeaveGroupRequest.self
        case .syncGroup: SyncGroupRequest.self
        case .describeGroups: DescribeGroupsRequest.self
        case .listGroups: ListGroupsRequest.self
        case .apiVersions: ApiVersionsRequest.self
        case .createTopics: CreateTopicsRequest.self
        case .deleteTopics: DeleteTopicsRequest.self
        case .deleteRecords: DeleteRecordsRequest.self
        case .initProducerID: InitProducerIDRequest.self
        case .offsetForLeaderEpoch: OffsetForLeaderEpochRequest.self
        case .describeAcls: DescribeAclsRequest.self
        case .createAcls: CreateAclsRequest.self
        case .deleteAcls: DeleteAclsRequest.self
        case .describeConfigs: DescribeConfigsRequest.self
        case .alterConfigs: AlterConfigsRequest.self
        case .alterReplicaLogDirs: AlterReplicaLogDirsRequest.self
        case .describeLogDirs: DescribeLogDirsRequest.self
        case .createPartitions: CreatePartitionsRequest.self
        case .deleteGroups: DeleteGroupsRequest.self
        case .electLeaders: ElectLeadersRequest.self
        case .incrementalAlterConfigs: IncrementalAlterConfigsRequest.self
        case .alterPartitionReassignments: AlterPartitionReassignmentsRequest.self
        case .listPartitionReassignments: ListPartitionReassignmentsRequest.self
        case .offsetDelete: OffsetDeleteRequest.self
        case .describeCluster: DescribeClusterRequest.self
        case .describeProducers: DescribeProducersRequest.self
        case .listConfigResources: ListConfigResourcesRequest.self
        case .describeTopicPartitions: DescribeTopicPartitionsRequest.self
        }
    }

    var responseType: any WireBody.Type {
        switch self {
        case .produce: ProduceResponse.self
        case .fetch: FetchResponse.self
        case .listOffsets: ListOffsetsResponse.self
        case .metadata: MetadataResponse.self
        case .offsetCommit: OffsetCommitResponse.self
        case .offsetFetch: OffsetFetchResponse.self
        case .findCoordinator: FindCoordinatorResponse.self
        case .joinGroup: JoinGroupResponse.self
        case .heartbeat: HeartbeatResponse.self
        case .leaveGroup: LeaveGroupResponse.self
        case .syncGroup: SyncGroupResponse.self
        case .describeGroups: DescribeGroupsResponse.self
        case .listGroups: ListGroupsResponse.self
        case .apiVersions: ApiVersionsResponse.self
        case .createTopics: CreateTopicsResponse.self
        case .deleteTopics: DeleteTopicsResponse.self
        case .deleteRecords: DeleteRecordsResponse.self
        case .initProducerID: InitProducerIDResponse.self
        case .offsetForLeaderEpoch: OffsetForLeaderEpochResponse.self
        case .describeAcls: DescribeAclsResponse.self
        case .createAcls: CreateAclsResponse.self
        case .deleteAcls: DeleteAclsResponse.self
        case .describeConfigs: DescribeConfigsResponse.self
        case .alterConfigs: AlterConfigsResponse.self
        case .alterReplicaLogDirs: AlterReplicaLogDirsResponse.self
        case .describeLogDirs: DescribeLogDirsResponse.self
        case .createPartitions: CreatePartitionsResponse.self
        case .deleteGroups: DeleteGroupsResponse.self
        case .electLeaders: ElectLeadersResponse.self
        case .incrementalAlterConfigs: IncrementalAlterConfigsResponse.self
        case .alterPartitionReassignments: AlterPartitionReassignmentsResponse.self
        case .listPartitionReassignments: ListPartitionReassignmentsResponse.self
        case .offsetDelete: OffsetDeleteResponse.self
        case .describeCluster: DescribeClusterResponse.self
        case .describeProducers: DescribeProducersResponse.self
        case .listConfigResources: ListConfigResourcesResponse.self
        case .describeTopicPartitions: DescribeTopicPartitionsResponse.self
        }
    }
}

extension ProduceRequest: WireBody {}
extension FetchRequest: WireBody {}
extension ListOffsetsRequest: WireBody {}
extension MetadataRequest: WireBody {}
extension OffsetCommitRequest: WireBody {}
extension OffsetFetchRequest: WireBody {}
extension FindCoordinatorRequest: WireBody {}
extension JoinGroupRequest: WireBody {}
extension HeartbeatRequest: WireBody {}
extension LeaveGroupRequest: WireBody {}
extension SyncGroupRequest: WireBody {}
extension DescribeGroupsRequest: WireBody {}
extension ListGroupsRequest: WireBody {}
extension ApiVersionsRequest: WireBody {}
extension CreateTopicsRequest: WireBody {}
extension DeleteTopicsRequest: WireBody {}
extension DeleteRecordsRequest: WireBody {}
extension InitProducerIDRequest: WireBody {}
extension OffsetForLeaderEpochRequest: WireBody {}
extension DescribeAclsRequest: WireBody {}
extension CreateAclsRequest: WireBody {}
extension DeleteAclsRequest: WireBody {}
extension DescribeConfigsRequest: WireBody {}
extension AlterConfigsRequest: WireBody {}
extension AlterReplicaLogDirsRequest: WireBody {}
extension DescribeLogDirsRequest: WireBody {}
extension CreatePartitionsRequest: WireBody {}
extension DeleteGroupsRequest: WireBody {}
extension ElectLeadersRequest: WireBody {}
extension IncrementalAlterConfigsRequest: WireBody {}
extension AlterPartitionReassignmentsRequest: WireBody {}
extension ListPartitionReassignmentsRequest: WireBody {}
extension OffsetDeleteRequest: WireBody {}
extension DescribeClusterRequest: WireBody {}
extension DescribeProducersRequest: WireBody {}
extension ListConfigResourcesRequest: WireBody {}
extension DescribeTopicPartitionsRequest: WireBody {}
extension ProduceResponse: WireBody {}
extension FetchResponse: WireBody {}
extension ListOffsetsResponse: WireBody {}
extension MetadataResponse: WireBody {}
extension OffsetCommitResponse: WireBody {}
extension OffsetFetchResponse: WireBody {}
extension FindCoordinatorResponse: WireBody {}
extension JoinGroupResponse: WireBody {}
extension HeartbeatResponse: WireBody {}
extension LeaveGroupResponse: WireBody {}
extension SyncGroupResponse: WireBody {}
extension DescribeGroupsResponse: WireBody {}
extension ListGroupsResponse: WireBody {}
extension ApiVersionsResponse: WireBody {}
extension CreateTopicsResponse: WireBody {}
extension DeleteTopicsResponse: WireBody {}
extension DeleteRecordsResponse: WireBody {}
extension InitProducerIDResponse: WireBody {}
extension OffsetForLeaderEpochResponse: WireBody {}
extension DescribeAclsResponse: WireBody {}
extension CreateAclsResponse: WireBody {}
extension DeleteAclsResponse: WireBody {}
extension DescribeConfigsResponse: WireBody {}
extension AlterConfigsResponse: WireBody {}
extension AlterReplicaLogDirsResponse: WireBody {}
extension DescribeLogDirsResponse: WireBody {}
extension CreatePartitionsResponse: WireBody {}
extension DeleteGroupsResponse: WireBody {}
extension ElectLeadersResponse: WireBody {}
extension IncrementalAlterConfigsResponse: WireBody {}
extension AlterPartitionReassignmentsResponse: WireBody {}
extension ListPartitionReassignmentsResponse: WireBody {}
extension OffsetDeleteResponse: WireBody {}
extension DescribeClusterResponse: WireBody {}
extension DescribeProducersResponse: WireBody {}
extension ListConfigResourcesResponse: WireBody {}
extension DescribeTopicPartitionsResponse: WireBody {}
