/// How the leader of a group deals the partitions out. Any member may become the leader, so these
/// are the two that every client has; a group's members agree on one that all of them have.
package enum Assignor: String, CaseIterable {
    /// A range of each topic's partitions for each member, the first members one more.
    case range
    /// All partitions in turn.
    case roundrobin

    package struct Member {
        package let id: String
        /// Static members are in the order of these, so that a restart changes nothing.
        package var instanceID: String?
        package var topics: Set<String>

        package init(id: String, instanceID: String? = nil, topics: Set<String>) {
            self.id = id
            self.instanceID = instanceID
            self.topics = topics
        }
    }

    /// What each member gets, by its id; `partitions` are those of all topics somebody wants.
    package func assign(
        _ partitions: [PartitionName],
        to members: [Member]
    ) -> [String: [PartitionName]] {
        let members = members.sorted {
            ($0.instanceID ?? $0.id, $0.id) < ($1.instanceID ?? $1.id, $1.id)
        }
        var assigned = Dictionary(uniqueKeysWithValues: members.map { ($0.id, [PartitionName]()) })
        switch self {
        case .range:
            for (topic, partitions) in Dictionary(grouping: partitions.sorted(), by: \.topic) {
                let takers = members.filter { $0.topics.contains(topic) }
                for (place, member) in takers.enumerated() {
                    let first = Self.start(of: place, among: takers.count, partitions.count)
                    let end = Self.start(of: place + 1, among: takers.count, partitions.count)
                    assigned[member.id, default: []] += partitions[first..<end]
                }
            }
        case .roundrobin:
            var next = 0
            for partition in partitions.sorted() {
                let turns = (0..<members.count).lazy.map { (next + $0) % members.count }
                guard
                    let turn = turns.first(where: { members[$0].topics.contains(partition.topic) })
                else { continue }
                assigned[members[turn].id, default: []].append(partition)
                next = turn + 1
            }
        }
        return assigned
    }

    private static func start(of place: Int, among takers: Int, _ partitions: Int) -> Int {
        place * (partitions / takers) + min(place, partitions % takers)
    }
}
