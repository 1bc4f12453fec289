import Partitions

/// What anybody may do here, as bits of Kafka's operation codes (KIP-430): all that a broker lets
/// them who has no authorizer, and with the broker's own topics only what those are for.
enum AuthorizedOperations {
    private static let read: Int32 = 1 << 3
    private static let write: Int32 = 1 << 4
    private static let create: Int32 = 1 << 5
    private static let delete: Int32 = 1 << 6
    private static let alter: Int32 = 1 << 7
    private static let describe: Int32 = 1 << 8
    private static let clusterAction: Int32 = 1 << 9
    private static let describeConfigs: Int32 = 1 << 10
    private static let alterConfigs: Int32 = 1 << 11
    private static let idempotentWrite: Int32 = 1 << 12

    private static let internalTopic = read | describe | describeConfigs
    private static let topic = internalTopic | write | create | delete | alter | alterConfigs
    static let cluster =
        create | alter | describe | clusterAction | describeConfigs | alterConfigs | idempotentWrite

    static let group = read | delete | describe | describeConfigs | alterConfigs

    static func of(_ entry: TopicEntry) -> Int32 { of(isInternal: entry.isInternal) }
    static func of(isInternal: Bool) -> Int32 { isInternal ? internalTopic : topic }
}
