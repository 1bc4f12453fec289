import KafkaWire

extension KafkaAPI {
    /// What ApiVersions tells clients. Transactions are not in it, so that clients do not wait for
    /// a coordinator that is not there.
    ///
    /// Produce is in it from 0 on, although 3 is the least that is served: older versions of
    /// librdkafka want the range to begin there (KAFKA-18659).
    static let advertised: [ServedAPI] = allCases.map { api in
        ServedAPI(
            key: api.rawValue,
            versionMin: api == .produce ? 0 : api.versions.lowerBound,
            versionMax: api.versions.upperBound
        )
    }
}
