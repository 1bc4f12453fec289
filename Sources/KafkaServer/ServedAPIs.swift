import KafkaWire

extension KafkaAPI {
    /// What ApiVersions tells clients. Groups, transactions and administration are not in it, so
    /// that clients do not wait for a coordinator that is not there.
    ///
    /// Produce is in it although each record is refused: librdkafka takes zstd and the batches of
    /// message format 2 for unsupported where Produce 7 and 3 are not advertised, and its older
    /// versions want the range to begin at 0 (KAFKA-18659).
    static let advertised: [ServedAPI] = allCases.map { api in
        ServedAPI(
            key: api.rawValue,
            versionMin: api == .produce ? 0 : api.versions.lowerBound,
            versionMax: api.versions.upperBound
        )
    }
}
