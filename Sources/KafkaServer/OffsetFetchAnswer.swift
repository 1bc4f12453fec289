import BrokerModel
import KafkaSessions
import KafkaWire
import Partitions

/// Answers OffsetFetch from what is durable.
struct OffsetFetchAnswer {
    let catalog: TopicCatalogSnapshot
    let offsets: CommittedOffsets
    /// Set while nobody can tell what was committed: then every group is answered so.
    var refusal = KafkaErrorCode.none

    func response(to request: OffsetFetchRequest, version: Int16) -> OffsetFetchResponse {
        // All of a group once: a short request that names it many times makes no long answer.
        var seen: Set<String> = []
        let wanted = request.groups.filter { group in
            group.topics != nil || seen.insert(group.groupID).inserted
        }
        return OffsetFetchResponse(groups: wanted.map { group($0, version: version) })
    }

    private func group(
        _ wanted: OffsetFetchRequest.Group,
        version: Int16
    ) -> OffsetFetchResponse.Group {
        var answer = OffsetFetchResponse.Group(groupID: wanted.groupID)
        answer.errorCode = refusal
        if refusal != .none {
            // Version 1 has no place for it but the partitions.
            guard version < 2 else { return answer }
            answer.topics = (wanted.topics ?? []).map { topic in
                .init(name: topic.name, partitions: topic.partitions.map { refused($0, refusal) })
            }
            return answer
        }
        answer.topics =
            wanted.topics.map { topics in
                topics.map { self.topic($0, of: wanted.groupID, version: version) }
            } ?? all(of: wanted.groupID, version: version)
        return answer
    }

    private func topic(
        _ wanted: OffsetFetchRequest.Topic,
        of group: String,
        version: Int16
    ) -> OffsetFetchResponse.Topic {
        let byID = version >= 10
        let topic =
            byID
            ? catalog.topic(id: wanted.id)
            : TopicName(wanted.name).flatMap { catalog.topic(named: $0) }
        let name = byID ? topic?.name.description : wanted.name
        let partitions = wanted.partitions.map { number in
            guard let name else { return refused(number, .unknownTopicID) }
            let offset = offsets.committed(
                group: group,
                topic: name,
                partition: number,
                topicID: topic?.id
            )
            return offset.map { found(number, $0) } ?? OffsetFetchResponse.Partition(index: number)
        }
        return .init(name: wanted.name, id: wanted.id, partitions: partitions)
    }

    /// By name; a request by ids is not told of topics that have none any more.
    private func all(of group: String, version: Int16) -> [OffsetFetchResponse.Topic] {
        var topics: [OffsetFetchResponse.Topic] = []
        for (name, partitions) in offsets.topics(of: group).sorted(by: { $0.key < $1.key }) {
            let topic = TopicName(name).flatMap { catalog.topic(named: $0) }
            guard topic != nil || version < 10 else { continue }
            let kept = partitions.sorted { $0.key < $1.key }.filter { _, offset in
                topic == nil || offset.topicID == nil || offset.topicID == topic?.id
            }
            guard !kept.isEmpty else { continue }
            topics.append(
                .init(
                    name: name,
                    id: topic?.id ?? .zero,
                    partitions: kept.map { found($0.key, $0.value) }
                )
            )
        }
        return topics
    }

    private func found(_ number: Int32, _ offset: CommittedOffset) -> OffsetFetchResponse.Partition
    {
        var answer = OffsetFetchResponse.Partition(index: number)
        answer.committedOffset = offset.offset
        answer.committedLeaderEpoch = offset.leaderEpoch
        answer.metadata = offset.metadata
        return answer
    }

    private func refused(
        _ number: Int32,
        _ code: KafkaErrorCode
    ) -> OffsetFetchResponse.Partition {
        var answer = OffsetFetchResponse.Partition(index: number)
        answer.errorCode = code
        return answer
    }
}
