/// An API that this module can read and write; its raw value is Kafka's key.
public enum KafkaAPI: Int16, CaseIterable, Sendable {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case metadata = 3
    case apiVersions = 18
    case createTopics = 19
    case deleteTopics = 20
    case describeConfigs = 32

    /// The versions that the codecs here know. The lower ends are those of Kafka 4 (KIP-896).
    public var versions: ClosedRange<Int16> {
        switch self {
        case .produce: 3...13
        case .fetch: 4...18
        case .listOffsets: 1...11
        case .metadata: 0...13
        case .apiVersions: 0...4
        case .createTopics: 2...7
        case .deleteTopics: 1...6
        case .describeConfigs: 1...4
        }
    }

    /// From here on strings and arrays are compact and structures end in tagged fields (KIP-482).
    public var firstFlexibleVersion: Int16 {
        switch self {
        case .produce: 9
        case .fetch: 12
        case .listOffsets: 6
        case .metadata: 9
        case .apiVersions: 3
        case .createTopics: 5
        case .deleteTopics, .describeConfigs: 4
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
