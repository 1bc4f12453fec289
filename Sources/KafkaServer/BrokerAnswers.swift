import BrokerModel
import CommitLog
import KafkaWire
import Partitions

/// Decides what is answered to each request but Fetch, from one moment's catalog. Reads the log
/// only to find offsets by time; what goes wrong there is in `failures` afterwards.
struct BrokerAnswers {
    let identity: KafkaBrokerIdentity
    let catalog: TopicCatalogSnapshot
    let configuration: KafkaBrokerConfiguration
    private(set) var failures: [FailedRead] = []

    init(
        identity: KafkaBrokerIdentity,
        catalog: TopicCatalogSnapshot,
        configuration: KafkaBrokerConfiguration
    ) {
        self.identity = identity
        self.catalog = catalog
        self.configuration = configuration
    }

    // MARK: ApiVersions

    /// A client that cannot say its name in Kafka's terms is told so (KIP-511).
    static func apiVersions(_ request: ApiVersionsRequest, version: Int16) -> ApiVersionsResponse {
        var response = ApiVersionsResponse()
        response.apis = KafkaAPI.advertised
        guard version >= 3 else { return response }
        let isNamed =
            isSoftwareName(request.clientSoftwareName)
            && isSoftwareName(request.clientSoftwareVersion)
        if !isNamed { response.errorCode = .invalidRequest }
        return response
    }

    /// The answer, in version 0, to a version that we do not know (KIP-511).
    static var apiVersionsUnsupported: ApiVersionsResponse {
        var response = ApiVersionsResponse()
        response.errorCode = .unsupportedVersion
        response.apis = KafkaAPI.advertised
        return response
    }

    /// Letters and digits, and between them also `-` and `.`.
    private static func isSoftwareName(_ text: String) -> Bool {
        func isWord(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        let bytes = text.utf8
        guard let first = bytes.first, let last = bytes.last, isWord(first), isWord(last) else {
            return false
        }
        return bytes.allSatisfy {
            isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
        }
    }

    // MARK: ListOffsets

    /// Without the log, what has to be looked for in it counts as timed out.
    mutating func listOffsets(
        _ request: ListOffsetsRequest,
        version: Int16,
        readsLog: Bool
    ) -> ListOffsetsResponse {
        var topics: [ListOffsetsResponse.Topic] = []
        topics.reserveCapacity(request.topics.count)
        for wanted in request.topics {
            let topic = TopicName(wanted.name).flatMap { catalog.topic(named: $0) }
            var partitions: [ListOffsetsResponse.Partition] = []
            partitions.reserveCapacity(wanted.partitions.count)
            for partition in wanted.partitions {
                partitions.append(
                    place(partition, in: topic, version: version, readsLog: readsLog)
                )
            }
            topics.append(.init(name: wanted.name, partitions: partitions))
        }
        return ListOffsetsResponse(topics: topics)
    }

    private mutating func place(
        _ wanted: ListOffsetsRequest.Partition,
        in topic: TopicEntry?,
        version: Int16,
        readsLog: Bool
    ) -> ListOffsetsResponse.Partition {
        var answer = ListOffsetsResponse.Partition(index: wanted.index)
        guard let topic, let reader = topic.reader(wanted.index) else {
            answer.errorCode = .missing(wanted.index, of: topic)
            return answer
        }
        answer.errorCode = LeaderEpochCheck.error(
            claimed: wanted.currentLeaderEpoch,
            actual: reader.leaderEpoch
        )
        guard answer.errorCode == .none else { return answer }
        guard ListOffsetsPlace.isKnown(wanted.timestamp, version: version) else {
            answer.errorCode = .unsupportedVersion
            return answer
        }
        guard readsLog || !ListOffsetsPlace.needsLog(wanted.timestamp) else {
            answer.errorCode = .requestTimedOut
            return answer
        }
        do throws(CommitLogError) {
            guard let found = try reader.place(wanted.timestamp) else { return answer }
            answer.timestamp = found.timestamp
            answer.offset = found.offset
            answer.leaderEpoch = found.leaderEpoch
        } catch {
            let name = TopicPartition(topic: topic.name, partition: wanted.index)
            failures.append(FailedRead(partition: name, error: error))
            answer.errorCode = .kafkaStorageError
        }
        return answer
    }
}

/// A partition that could not be read, for the operator.
struct FailedRead {
    let partition: TopicPartition
    let error: CommitLogError
}

/// Whether a client knows the present leader epoch (KIP-320).
enum LeaderEpochCheck {
    static func error(claimed: LeaderEpoch, actual: LeaderEpoch) -> KafkaErrorCode {
        // A client that does not know the epoch is not held to it.
        guard claimed >= .zero, claimed != actual else { return .none }
        return claimed < actual ? .fencedLeaderEpoch : .unknownLeaderEpoch
    }
}

extension ListOffsetsPlace {
    /// A place that came into the protocol with a later version is refused, as Kafka does.
    fileprivate static func isKnown(_ timestamp: Timestamp, version: Int16) -> Bool {
        switch timestamp {
        case latest, earliest, maxTimestamp: true
        case earliestLocal: version >= 8
        case latestTiered: version >= 9
        case earliestPendingUpload: version >= 11
        default: timestamp.rawValue >= 0
        }
    }
}

extension PartitionReader {
    /// Nil where nothing is there: no such record, or no remote storage.
    fileprivate func place(_ timestamp: Timestamp) throws(CommitLogError) -> TimedOffset? {
        switch timestamp {
        case ListOffsetsPlace.latest: latest
        case ListOffsetsPlace.earliest, ListOffsetsPlace.earliestLocal: earliest
        case ListOffsetsPlace.maxTimestamp: try maxTimestamp()
        case ListOffsetsPlace.latestTiered, ListOffsetsPlace.earliestPendingUpload: nil
        default: try offset(forTimestamp: timestamp)
        }
    }
}
