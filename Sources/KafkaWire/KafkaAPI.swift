/// An API that this module can read and write; its raw value is Kafka's key.
public enum KafkaAPI: Int16, CaseIterable, Sendable {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case metadata = 3
    case offsetCommit = 8
    case offsetFetch = 9
    case findCoordinator = 10
    case joinGroup = 11
    case heartbeat = 12
    case leaveGroup = 13
    case syncGroup = 14
    case describeGroups = 15
    case listGroups = 16
    case apiVersions = 18
    case createTopics = 19
    case deleteTopics = 20
    case deleteRecords = 21
    case initProducerID = 22
    case offsetForLeaderEpoch = 23
    case describeAcls = 29
    case createAcls = 30
    case deleteAcls = 31
    case describeConfigs = 32
    case alterConfigs = 33
    case alterReplicaLogDirs = 34
    case describeLogDirs = 35
    case createPartitions = 37
    case deleteGroups = 42
    case electLeaders = 43
    case incrementalAlterConfigs = 44
    case alterPartitionReassignments = 45
    case listPartitionReassignments = 46
    case offsetDelete = 47
    case describeCluster = 60
    case describeProducers = 61
    case listConfigResources = 74
    case describeTopicPartitions = 75

    /// The versions that the codecs here know. The lower ends are those of Kafka 4 (KIP-896).
    public var versions: ClosedRange<Int16> {
        switch self {
        case .produce: 3...13
        case .fetch: 4...18
        case .listOffsets: 1...11
        case .metadata: 0...13
        case .offsetCommit: 2...10
        case .offsetFetch: 1...10
        case .findCoordinator: 0...6
        case .joinGroup: 0...9
        case .heartbeat: 0...4
        case .leaveGroup: 0...5
        case .syncGroup: 0...5
        case .describeGroups: 0...6
        case .listGroups: 0...5
        case .apiVersions: 0...4
        case .createTopics: 2...7
        case .deleteTopics: 1...6
        case .deleteRecords: 0...2
        case .initProducerID: 0...5
        case .offsetForLeaderEpoch: 2...4
        case .describeAcls: 1...3
        case .createAcls: 1...3
        case .deleteAcls: 1...3
        case .describeConfigs: 1...4
        case .alterConfigs: 0...2
        case .alterReplicaLogDirs: 1...2
        case .describeLogDirs: 1...5
        case .createPartitions: 0...3
        case .deleteGroups: 0...2
        case .electLeaders: 0...2
        case .incrementalAlterConfigs: 0...1
        case .alterPartitionReassignments: 0...1
        case .listPartitionReassignments: 0...0
        case .offsetDelete: 0...0
        case .describeCluster: 0...2
        case .describeProducers: 0...0
        case .listConfigResources: 0...1
        case .describeTopicPartitions: 0...0
        }
    }

    /// From here on strings and arrays are compact and structures end in tagged fields (KIP-482).
    public var firstFlexibleVersion: Int16 {
        switch self {
        case .alterPartitionReassignments, .listPartitionReassignments, .describeCluster,
            .describeProducers, .listConfigResources, .describeTopicPartitions:
            0
        case .incrementalAlterConfigs: 1
        case .deleteRecords, .initProducerID, .describeAcls, .createAcls, .deleteAcls,
            .alterConfigs, .alterReplicaLogDirs, .describeLogDirs, .createPartitions, .deleteGroups,
            .electLeaders:
            2
        case .findCoordinator, .listGroups, .apiVersions: 3
        case .heartbeat, .leaveGroup, .syncGroup, .deleteTopics, .offsetForLeaderEpoch,
            .describeConfigs:
            4
        case .describeGroups, .createTopics: 5
        case .listOffsets, .offsetFetch, .joinGroup: 6
        case .offsetCommit: 8
        case .produce, .metadata: 9
        case .fetch: 12
        case .offsetDelete: .max
        }
    }

    public func isFlexible(_ version: Int16) -> Bool { version >= firstFlexibleVersion }

    /// Throws unless `version` is one that the codecs know.
    func check(_ version: Int16) throws(KafkaWireError) {
        guard versions.contains(version) else {
            throw .unsupportedVersion(api: rawValue, version: version)
        }
    }
}
