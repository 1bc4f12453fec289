import BrokerModel
import CommitLog
import KafkaWire
import Partitions

// One connection's questions after the ends of leader epochs. A client asks when the epoch has
// risen, to learn whether records that it has read were cut off by an unclean stop (KIP-320).
extension KafkaConnectionHandler {
    func offsetForLeaderEpoch(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        let request = try OffsetForLeaderEpochRequest(reading: &reader, version: version)
        let response = answers.epochEnds(request)
        respond(to: header, .offsetForLeaderEpoch, &output) {
            response.write(to: &$0, version: version)
        }
        return .answered
    }
}

extension BrokerAnswers {
    func epochEnds(_ request: OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse {
        OffsetForLeaderEpochResponse(
            topics: request.topics.map { wanted in
                let topic = TopicName(wanted.name).flatMap { catalog.topic(named: $0) }
                return .init(
                    name: wanted.name,
                    partitions: wanted.partitions.map { epochEnd($0, in: topic) }
                )
            }
        )
    }

    /// Without an error and without an end: the epoch is none that this log knows of.
    private func epochEnd(
        _ wanted: OffsetForLeaderEpochRequest.Partition,
        in topic: TopicEntry?
    ) -> OffsetForLeaderEpochResponse.Partition {
        var answer = OffsetForLeaderEpochResponse.Partition(index: wanted.index)
        guard let reader = topic?.reader(wanted.index) else {
            answer.errorCode = .missing(wanted.index, of: topic)
            return answer
        }
        answer.errorCode = LeaderEpochCheck.error(
            claimed: wanted.currentLeaderEpoch,
            actual: reader.leaderEpoch
        )
        guard answer.errorCode == .none,
            let end = reader.endOffset(forEpoch: wanted.leaderEpoch)
        else { return answer }
        answer.leaderEpoch = end.epoch
        answer.endOffset = end.endOffset
        return answer
    }
}

extension KafkaErrorCode {
    /// Of a partition that nobody can read: it does not exist, or its files could not be opened.
    static func missing(_ index: Int32, of topic: TopicEntry?) -> KafkaErrorCode {
        guard let topic, topic.partitions.indices.contains(Int(index)) else {
            return .unknownTopicOrPartition
        }
        return .kafkaStorageError
    }
}
