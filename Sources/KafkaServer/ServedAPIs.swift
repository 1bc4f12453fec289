import KafkaWire

extension KafkaAPI {
    /// What ApiVersions tells clients. Groups and transactions are not in it, so that clients do
    /// not wait for a coordinator that is not there.
    ///
    /// Produce is in it from 0 on, although 3 is the least that is served: older versions of
    /// librdkafka want the range to begin there (KAFKA-18659).
    static let served: [KafkaAPI] = [
        .produce, .fetch, .listOffsets, .metadata, .apiVersions, .createTopics, .deleteTopics,
        .describeConfigs,
        .offsetForLeaderEpoch,
        .initProducerID, .describeProducers,
        .createPartitions, .deleteRecords, .alterConfigs, .incrementalAlterConfigs,
        .listConfigResources, .describeLogDirs, .alterReplicaLogDirs, .describeCluster,
        .describeTopicPartitions, .electLeaders, .alterPartitionReassignments,
        .listPartitionReassignments, .describeAcls, .createAcls, .deleteAcls,
    ]

    static let advertised: [ServedAPI] = served.map { api in
        ServedAPI(
            key: api.rawValue,
            versionMin: api == .produce ? 0 : api.versions.lowerBound,
            versionMax: api.versions.upperBound
        )
    }
}
