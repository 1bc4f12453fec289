import KafkaSessions

// What joins groups to connections and to what they have committed.
extension KafkaService {
    /// What groups have done and are; readable from any thread.
    public var groupCounters: GroupCounters { groups.counters }

    func joinGroups() {
        groups.answered = { [unowned self] connection, ticket, answer in
            handlers[connection]?.groupAnswered(ticket, answer)
        }
        groups.noted = { [unowned self] in report(.group($0)) }
        groups.removeOffsets = { [groupOffsets] in groupOffsets.removeGroup($0) }
    }
}
