import BrokerModel
import KafkaServer
import KafkaWire
import Testing

/// What is told of the broker and changes nothing, in each version.
@Suite struct DescriptionTests {
    private let broker: ProducingBroker

    init() throws {
        broker = try ProducingBroker(["a": .init(partitions: 3), "b": .init(partitions: 2)])
    }

    @Test(arguments: KafkaAPI.describeCluster.versions)
    func `the cluster is one broker, which controls it`(version: Int16) throws {
        let client = try broker.connect()
        func ask(_ request: DescribeClusterRequest) throws -> DescribeClusterResponse {
            let id = try client.send(.describeCluster, version) {
                request.write(to: &$0, version: version)
            }
            return try client.receive(.describeCluster, version, id) {
                try DescribeClusterResponse(reading: &$0, version: version)
            }
        }
        var request = DescribeClusterRequest()
        let cluster = try ask(request)
        #expect(cluster.errorCode == .none && cluster.controllerID == TestBroker.identity.nodeID)
        #expect(cluster.brokers.map(\.id) == [TestBroker.identity.nodeID])
        #expect(cluster.clusterID == TestBroker.identity.clusterID.description)
        #expect(cluster.clusterAuthorizedOperations == MetadataResponse.operationsUnknown)
        request.wantsAuthorizedOperations = true
        #expect(try ask(request).clusterAuthorizedOperations == 8_096)
        guard version >= 1 else { return }
        request.endpointType = .controllers
        #expect(try ask(request).errorCode == .mismatchedEndpointType)
        request.endpointType = EndpointType(rawValue: 9)
        #expect(try ask(request).errorCode == .unsupportedEndpointType)
    }

    private func describe(
        _ client: TestClient,
        _ topics: [String],
        limit: Int32 = 2_000,
        from cursor: PartitionCursor? = nil
    ) throws -> DescribeTopicPartitionsResponse {
        var request = DescribeTopicPartitionsRequest(topics: topics.map { .init(name: $0) })
        request.responsePartitionLimit = limit
        request.cursor = cursor
        let id = try client.send(.describeTopicPartitions, 0) { request.write(to: &$0, version: 0) }
        return try client.receive(.describeTopicPartitions, 0, id) {
            try DescribeTopicPartitionsResponse(reading: &$0, version: 0)
        }
    }

    @Test(arguments: 1...6 as ClosedRange<Int32>)
    func `topics come in parts, in order, each partition once`(limit: Int32) throws {
        let client = try broker.connect()
        for wanted in [[], ["b", "a", "b"]] {
            var seen: [String] = []
            var cursor: PartitionCursor?
            var parts = 0
            repeat {
                let part = try describe(client, wanted, limit: limit, from: cursor)
                for topic in part.topics {
                    #expect(topic.errorCode == .none && topic.operations == 3_576)
                    seen += topic.partitions.map { "\(topic.name ?? "")-\($0.index)" }
                    #expect(topic.partitions.allSatisfy { $0.inSyncReplicas == $0.replicas })
                }
                #expect(part.topics.reduce(0) { $0 + $1.partitions.count } <= Int(limit))
                cursor = part.nextCursor
                parts += 1
            } while cursor != nil && parts < 20
            #expect(seen == ["a-0", "a-1", "a-2", "b-0", "b-1"])
        }
    }

    @Test func `a cursor may lie, and what is missing is named`() throws {
        let client = try broker.connect()
        let far = try describe(client, ["a"], from: PartitionCursor(name: "a", index: .max))
        #expect(far.topics.map(\.partitions.count) == [0] && far.nextCursor == nil)
        let gone = try describe(client, [], from: PartitionCursor(name: "aa", index: 1))
        #expect(gone.topics.map(\.name) == ["b"] && gone.topics.first?.partitions.count == 2)
        let bad = try describe(client, ["a"], from: PartitionCursor(name: "a", index: -1))
        #expect(bad.topics.map(\.errorCode) == [.invalidRequest])
        let missing = try describe(client, ["u", "a b"], limit: -5)
        #expect(missing.topics.map(\.name) == ["a b", "u"])
        #expect(missing.topics.map(\.errorCode) == [.invalidTopic, .unknownTopicOrPartition])
    }

    @Test(arguments: KafkaAPI.describeLogDirs.versions)
    func `the one directory has the sizes of its partitions`(version: Int16) throws {
        let client = try broker.connect()
        let batch = try ProducerBatch.make()
        #expect(try client.produce(batch, to: "a", partition: 1).errorCode == .none)
        func ask(_ topics: [DescribeLogDirsRequest.Topic]?) throws -> DescribeLogDirsResponse {
            let request = DescribeLogDirsRequest(topics: topics)
            let id = try client.send(.describeLogDirs, version) {
                request.write(to: &$0, version: version)
            }
            return try client.receive(.describeLogDirs, version, id) {
                try DescribeLogDirsResponse(reading: &$0, version: version)
            }
        }
        let directory = try #require(try ask(nil).directories.first)
        #expect(directory.topics.map(\.name) == ["a", "b"])
        #expect(directory.topics.first?.partitions.map(\.index) == [0, 1, 2])
        let sizes = try #require(directory.topics.first).partitions.map(\.sizeInBytes)
        #expect(sizes == [0, Int64(batch.count), 0])
        let some = try ask([
            .init(name: "a", partitions: [2, 2, 9]), .init(name: "u", partitions: []),
        ])
        #expect(some.directories.first?.topics.map(\.name) == ["a"])
        #expect(some.directories.first?.topics.first?.partitions.map(\.index) == [2])
        #expect(try ask([]).directories.first?.topics.isEmpty == true)
    }

    @Test(arguments: KafkaAPI.alterReplicaLogDirs.versions)
    func `nothing lies in another directory`(version: Int16) throws {
        let client = try broker.connect()
        // This broker was told of no directory, so its path is empty.
        let request = AlterReplicaLogDirsRequest(directories: [
            .init(path: "", topics: [.init(name: "a", partitions: [0, 9])]),
            .init(path: "/other", topics: [.init(name: "a", partitions: [0])]),
        ])
        let id = try client.send(.alterReplicaLogDirs, version) {
            request.write(to: &$0, version: version)
        }
        let topics = try client.receive(.alterReplicaLogDirs, version, id) {
            try AlterReplicaLogDirsResponse(reading: &$0, version: version).topics
        }
        #expect(
            topics.flatMap(\.partitions).map(\.errorCode)
                == [.none, .replicaNotAvailable, .logDirNotFound]
        )
    }

    @Test(arguments: KafkaAPI.electLeaders.versions)
    func `there is nothing to elect`(version: Int16) throws {
        let client = try broker.connect()
        func ask(_ type: ElectionType, _ topics: [ElectLeadersRequest.Topic]?) throws
            -> ElectLeadersResponse
        {
            var request = ElectLeadersRequest(topics: topics)
            request.type = type
            let id = try client.send(.electLeaders, version) {
                request.write(to: &$0, version: version)
            }
            return try client.receive(.electLeaders, version, id) {
                try ElectLeadersResponse(reading: &$0, version: version)
            }
        }
        let named = try ask(.preferred, [.init(name: "a", partitions: [0, 9])])
        #expect(
            named.topics.flatMap(\.partitions).map(\.errorCode)
                == [.electionNotNeeded, .unknownTopicOrPartition]
        )
        #expect(try ask(.preferred, nil).topics.isEmpty)
        guard version >= 1 else { return }
        #expect(try ask(ElectionType(rawValue: 7), nil).errorCode == .invalidRequest)
    }

    @Test(arguments: KafkaAPI.alterPartitionReassignments.versions)
    func `nothing moves`(version: Int16) throws {
        let client = try broker.connect()
        let wanted: [[Int32]?] = [[7], [8], [7, 8], [], nil]
        var request = AlterPartitionReassignmentsRequest(
            topics: [
                .init(name: "a", partitions: wanted.map { .init(index: 0, replicas: $0) }),
                .init(name: "u", partitions: [.init(index: 0, replicas: [7])]),
            ]
        )
        request.allowsReplicationFactorChange = version == 0
        let id = try client.send(.alterPartitionReassignments, version) {
            request.write(to: &$0, version: version)
        }
        let response = try client.receive(.alterPartitionReassignments, version, id) {
            try AlterPartitionReassignmentsResponse(reading: &$0, version: version)
        }
        #expect(
            response.topics.flatMap(\.partitions).map(\.errorCode)
                == [
                    .none, .invalidReplicaAssignment,
                    version == 0 ? .invalidReplicaAssignment : .invalidReplicationFactor,
                    .invalidReplicaAssignment, .noReassignmentInProgress, .unknownTopicOrPartition,
                ]
        )
        let listing = ListPartitionReassignmentsRequest()
        let number = try client.send(.listPartitionReassignments, 0) {
            listing.write(to: &$0, version: 0)
        }
        let moving = try client.receive(.listPartitionReassignments, 0, number) {
            try ListPartitionReassignmentsResponse(reading: &$0, version: 0)
        }
        #expect(moving.topics.isEmpty && moving.errorCode == .none)
    }

    @Test(arguments: KafkaAPI.listConfigResources.versions)
    func `topics and the broker have settings`(version: Int16) throws {
        let client = try broker.connect()
        func ask(_ types: [Int8]) throws -> ListConfigResourcesResponse {
            var request = ListConfigResourcesRequest()
            request.resourceTypes = types
            let id = try client.send(.listConfigResources, version) {
                request.write(to: &$0, version: version)
            }
            return try client.receive(.listConfigResources, version, id) {
                try ListConfigResourcesResponse(reading: &$0, version: version)
            }
        }
        #expect(try ask([]).resources.map(\.name) == (version == 0 ? [] : ["a", "b", "7"]))
        guard version >= 1 else { return }
        #expect(try ask([4, 16]).resources.map(\.name) == ["7"])
        #expect(try ask([3]).errorCode == .unsupportedVersion)
    }

    @Test(arguments: KafkaAPI.describeAcls.versions)
    func `without an authorizer there are no access control lists`(version: Int16) throws {
        let client = try broker.connect()
        let filter = AclFilter(resourceType: 1, operation: 1, permissionType: 1)
        let asked = DescribeAclsRequest(filter: filter)
        var id = try client.send(.describeAcls, version) { asked.write(to: &$0, version: version) }
        let described = try client.receive(.describeAcls, version, id) {
            try DescribeAclsResponse(reading: &$0, version: version)
        }
        #expect(described.errorCode == .securityDisabled && described.errorMessage != nil)
        let creation = CreateAclsRequest(creations: [.init(AclEntry()), .init(AclEntry())])
        id = try client.send(.createAcls, version) { creation.write(to: &$0, version: version) }
        let created = try client.receive(.createAcls, version, id) {
            try CreateAclsResponse(reading: &$0, version: version)
        }
        #expect(created.results.map(\.errorCode) == [.securityDisabled, .securityDisabled])
        let deletion = DeleteAclsRequest(filters: [filter])
        id = try client.send(.deleteAcls, version) { deletion.write(to: &$0, version: version) }
        let deleted = try client.receive(.deleteAcls, version, id) {
            try DeleteAclsResponse(reading: &$0, version: version)
        }
        #expect(deleted.results.map(\.errorCode) == [.securityDisabled])
    }
}
