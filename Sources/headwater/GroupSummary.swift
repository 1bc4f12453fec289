import BrokerModel
import KafkaWire

/// A group as the commands show it.
struct GroupSummary {
    struct Member {
        let id: String
        let instanceID: String?
        let clientID: String
        let host: String
        let partitions: [PartitionName]
    }

    struct Partition {
        let name: PartitionName
        let committed: Offset?
        /// Nil where the partition is gone or cannot be read.
        let end: Offset?
        /// Who reads it now.
        let member: String?

        var lag: Int? {
            guard let committed, let end else { return nil }
            return max(0, end - committed)
        }
    }

    let group: String
    let state: String
    let protocolType: String
    /// How the partitions are dealt out.
    let assignor: String
    let members: [Member]
    let partitions: [Partition]

    /// Asks for all of it. A group that is not there is refused.
    init(_ name: String, _ client: KafkaClient) throws {
        let found = try client.describe(group: name)
        let committed = try client.committedOffsets(of: name)
        // Kafka says of a group that nobody knows that it is dead.
        guard found.groupState != "Dead" || !committed.isEmpty else {
            throw Failure(.groupIDNotFound, ofGroup: name)
        }
        group = name
        state = found.groupState
        protocolType = found.protocolType
        assignor = found.protocolData
        members = found.members.map { member in
            Member(
                id: member.memberID,
                instanceID: member.groupInstanceID,
                clientID: member.clientID,
                host: member.clientHost,
                partitions: ConsumerProtocol.partitions(ofAssignment: member.memberAssignment)?
                    .sorted() ?? []
            )
        }
        var readers: [PartitionName: String] = [:]
        for member in members {
            for partition in member.partitions { readers[partition] = member.id }
        }
        let all = Set(committed.keys).union(readers.keys).sorted()
        let ends = try client.places(of: all, at: ListOffsetsPlace.latest)
        partitions = all.map { partition in
            let end = ends[partition].flatMap { $0.errorCode == .none ? $0.offset : nil }
            return Partition(
                name: partition,
                committed: committed[partition],
                end: end,
                member: readers[partition]
            )
        }
    }
}
