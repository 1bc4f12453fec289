import BrokerModel
import CommitLog
import KafkaWire
import Partitions

/// Writes one Fetch response body, reading the log on the way. Whether it is sent is its caller's
/// decision: a pass that found too little is cut off again, and repeated later.
struct FetchPass {
    /// Record bytes written.
    private(set) var recordBytes = 0
    /// True when a partition has news that must not wait: an error, or a diverging epoch.
    private(set) var isUrgent = false
    /// True when a partition has more than there was room for: waiting would bring no more.
    private(set) var isFull = false
    /// True when a partition could not be read without waiting for the disk; it came empty.
    private(set) var isCold = false
    /// The partitions that were read, with the high watermarks that this pass saw.
    private(set) var watched: [WatchedPartition] = []
    private(set) var failures: [FailedRead] = []

    private let identity: KafkaBrokerIdentity
    private let catalog: TopicCatalogSnapshot
    private let version: Int16
    private let isolationLevel: IsolationLevel
    private var room: Int
    private let brings: LeastBrought
    private let access: ReadAccess
    private var fencedLeader = false

    /// What comes at least, where records are there.
    enum LeastBrought {
        /// One batch, even when it alone is larger than all limits (KIP-74).
        case oneBatch
        /// Nothing: there is no memory for it.
        case nothing
    }

    /// `room` bounds the record bytes of all partitions together.
    init(
        identity: KafkaBrokerIdentity,
        catalog: TopicCatalogSnapshot,
        version: Int16,
        isolationLevel: IsolationLevel,
        room: ByteCount,
        bringing brings: LeastBrought,
        access: ReadAccess
    ) {
        self.identity = identity
        self.catalog = catalog
        self.version = version
        self.isolationLevel = isolationLevel
        self.room = room.rawValue
        self.brings = brings
        self.access = access
    }

    mutating func write(_ request: FetchRequest, to output: inout ByteWriter) {
        var writer = FetchResponseWriter(version: version)
        // An incremental fetch names a session, and we never open one (KIP-227).
        guard request.sessionEpoch <= 0 else {
            isUrgent = true
            writer.begin(topicCount: 0, errorCode: .fetchSessionIDNotFound, to: &output)
            return writer.end(to: &output)
        }
        writer.begin(topicCount: request.topics.count, to: &output)
        for wanted in request.topics {
            let topic = topic(wanted)
            writer.beginTopic(
                name: wanted.name,
                id: wanted.id,
                partitionCount: wanted.partitions.count,
                to: &output
            )
            for partition in wanted.partitions {
                write(partition, of: topic, &writer, to: &output)
            }
            writer.endTopic(to: &output)
        }
        writer.end(endpoints: fencedLeader ? [endpoint] : [], to: &output)
    }

    private func topic(_ wanted: FetchRequest.Topic) -> TopicEntry? {
        guard version <= 12 else { return catalog.topic(id: wanted.id) }
        return TopicName(wanted.name).flatMap { catalog.topic(named: $0) }
    }

    private mutating func write(
        _ wanted: FetchRequest.Partition,
        of topic: TopicEntry?,
        _ writer: inout FetchResponseWriter,
        to output: inout ByteWriter
    ) {
        var head = FetchResponse.PartitionHead(index: wanted.index)
        if isolationLevel == .readCommitted { head.abortedTransactions = [] }
        guard let topic, let reader = topic.reader(wanted.index) else {
            let isMissingID = version >= 13 && topic == nil
            head.errorCode = isMissingID ? .unknownTopicID : .unknownTopicOrPartition
            return end(head, &writer, to: &output)
        }
        head.errorCode = LeaderEpochCheck.error(
            claimed: wanted.currentLeaderEpoch,
            actual: reader.leaderEpoch
        )
        if head.errorCode == .fencedLeaderEpoch { tellLeader(reader, in: &head) }
        guard head.errorCode == .none, !isDiverging(wanted, reader, &head) else {
            return end(head, &writer, to: &output)
        }
        writer.beginPartition(head, to: &output)
        do throws(CommitLogError) {
            try read(wanted, reader, &head, into: &output)
        } catch {
            if error == .fileSystem(.wouldBlock) {
                isCold = true
                head.tellEnds(of: reader)
            } else {
                head.errorCode = code(of: error, topic.name, wanted.index)
                isUrgent = true
            }
        }
        writer.endPartition(head, to: &output)
    }

    /// Ends a partition that is not read.
    private mutating func end(
        _ head: FetchResponse.PartitionHead,
        _ writer: inout FetchResponseWriter,
        to output: inout ByteWriter
    ) {
        isUrgent = true
        writer.beginPartition(head, to: &output)
        writer.endPartition(head, to: &output)
    }

    private mutating func read(
        _ wanted: FetchRequest.Partition,
        _ reader: PartitionReader,
        _ head: inout FetchResponse.PartitionHead,
        into output: inout ByteWriter
    ) throws(CommitLogError) {
        let start = output.count
        var offset = wanted.fetchOffset
        var left = min(room, Int(max(0, wanted.bytesMax)))
        var highWatermark: Offset
        // One read ends with its segment; what the client has room for may lie in the next.
        repeat {
            let found: PartitionReader.ReadResult
            do throws(CommitLogError) {
                found = try reader.read(
                    from: offset,
                    maxBytes: ByteCount(left),
                    minOneBatch: recordBytes == 0 && brings == .oneBatch,
                    access: access,
                    into: &output
                )
            } catch {
                // What was read before stands; the next fetch meets the error, or the disk.
                guard output.count > start else { throw error }
                break
            }
            offset = found.nextOffset
            highWatermark = found.highWatermark
            left = max(0, left &- found.bytesRead.rawValue)
            room = max(0, room &- found.bytesRead.rawValue)
            recordBytes &+= found.bytesRead.rawValue
            head.highWatermark = highWatermark
            head.lastStableOffset = highWatermark  // There are no transactions yet.
            head.logStartOffset = found.logStartOffset
            if found.bytesRead == .zero { break }
        } while left > 0 && offset < highWatermark
        if offset < head.highWatermark { isFull = true }
        watched.append(WatchedPartition(reader: reader, highWatermark: head.highWatermark))
    }

    private mutating func code(
        of error: CommitLogError,
        _ topic: TopicName,
        _ partition: Int32
    ) -> KafkaErrorCode {
        switch error {
        case .offsetOutOfRange: return .offsetOutOfRange
        case .fileSystem, .readOnly, .closed, .batchTooLarge, .malformedBatch, .damaged, .unusable:
            let name = TopicPartition(topic: topic, partition: partition)
            failures.append(FailedRead(partition: name, error: error))
            return .kafkaStorageError
        }
    }

    // MARK: Leader epochs

    /// Says where the reader's log parts from ours, when it tells its last epoch (KIP-595).
    private mutating func isDiverging(
        _ wanted: FetchRequest.Partition,
        _ reader: PartitionReader,
        _ head: inout FetchResponse.PartitionHead
    ) -> Bool {
        guard wanted.lastFetchedEpoch >= .zero else { return false }
        guard let end = reader.endOffset(forEpoch: wanted.lastFetchedEpoch) else {
            head.errorCode = .offsetOutOfRange
            return true
        }
        guard end.epoch < wanted.lastFetchedEpoch || end.endOffset < wanted.fetchOffset else {
            return false
        }
        head.divergingEpoch = .init(epoch: end.epoch, endOffset: end.endOffset)
        head.tellEnds(of: reader)
        return true
    }

    /// Spares a client with an old epoch the Metadata request (KIP-951).
    private mutating func tellLeader(
        _ reader: PartitionReader,
        in head: inout FetchResponse.PartitionHead
    ) {
        guard version >= 16 else { return }
        fencedLeader = true
        head.currentLeader = LeaderAndEpoch(
            leaderID: identity.nodeID,
            leaderEpoch: reader.leaderEpoch
        )
    }

    private var endpoint: NodeEndpoint {
        NodeEndpoint(
            id: identity.nodeID,
            host: identity.advertisedHost,
            port: Int32(identity.advertisedPort)
        )
    }
}

extension FetchResponse.PartitionHead {
    /// Of a partition that was not read.
    fileprivate mutating func tellEnds(of reader: PartitionReader) {
        highWatermark = reader.highWatermark
        lastStableOffset = highWatermark
        logStartOffset = reader.logStartOffset
    }
}
