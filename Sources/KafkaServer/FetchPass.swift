import BrokerModel
import CommitLog
import KafkaSessions
import KafkaWire
import Partitions

/// Writes one Fetch response body, reading the log on the way. Whether it is sent is its caller's
/// decision: a pass that found too little is cut off again, and repeated later.
struct FetchPass {
    /// Record bytes written.
    var recordBytes = 0
    /// True when a partition has news that must not wait, an error or a diverging epoch; or when
    /// there is nothing that could be waited for.
    var isUrgent = false
    /// True when a partition has more than there was room for: waiting would bring no more.
    var isFull = false
    /// True when a partition could not be read without waiting for the disk; it came empty.
    var isCold = false
    /// The partitions that were read, with the high watermarks that this pass saw.
    var watched: [WatchedPartition] = []
    var failures: [FailedRead] = []
    /// What a session has to remember of this answer.
    private(set) var news: [FetchNews] = []
    /// Where the session's number stands in the output, if the version has one.
    private(set) var sessionIDPosition: Int?

    let identity: KafkaBrokerIdentity
    let version: Int16
    let isolationLevel: IsolationLevel
    let brings: LeastBrought
    let access: ReadAccess
    var room: Int
    var fencedLeader = false
    private let catalog: TopicCatalogSnapshot
    private let isReplica: Bool

    /// What comes at least, where records are there.
    enum LeastBrought {
        /// One batch, even when it alone is larger than all limits (KIP-74).
        case oneBatch
        /// Nothing: there is no memory for it.
        case nothing
    }

    /// `room` bounds the record bytes of all partitions together.
    init(
        of request: FetchRequest,
        identity: KafkaBrokerIdentity,
        catalog: TopicCatalogSnapshot,
        version: Int16,
        room: ByteCount,
        bringing brings: LeastBrought,
        access: ReadAccess
    ) {
        self.identity = identity
        self.catalog = catalog
        self.version = version
        isolationLevel = request.isolationLevel
        isReplica = request.replicaID >= 0
        self.room = room.rawValue
        self.brings = brings
        self.access = access
    }

    mutating func write(_ plan: FetchPlan, to output: inout ByteWriter) {
        var writer = FetchResponseWriter(version: version)
        switch plan {
        case .refused(let error):
            writer.begin(topicCount: 0, errorCode: error, to: &output)
        case .full(let topics): write(topics, remembers: false, &writer, to: &output)
        case .opening(let topics): write(topics, remembers: true, &writer, to: &output)
        case .news(let plan): write(newsOf: plan, &writer, to: &output)
        }
        writer.end(endpoints: fencedLeader ? [endpoint] : [], to: &output)
        sessionIDPosition = writer.sessionIDPosition
        if watched.isEmpty, !isCold { isUrgent = true }
    }

    // MARK: All that was asked for

    private mutating func write(
        _ topics: [FetchRequest.Topic],
        remembers: Bool,
        _ writer: inout FetchResponseWriter,
        to output: inout ByteWriter
    ) {
        writer.begin(topicCount: topics.count, to: &output)
        for wanted in topics {
            let topic = topic(named: wanted.name, id: wanted.id)
            writer.beginTopic(
                name: wanted.name,
                id: wanted.id,
                partitionCount: wanted.partitions.count,
                to: &output
            )
            for partition in wanted.partitions {
                let head = write(partition, of: topic, &writer, to: &output)
                guard remembers else { continue }
                news.append(FetchNews(slot: Int32(news.count), head, hasRecords: false))
            }
            writer.endTopic(to: &output)
        }
    }

    private func topic(named name: String, id: UUIDBytes) -> TopicEntry? {
        guard version <= 12 else { return catalog.topic(id: id) }
        return TopicName(name).flatMap { catalog.topic(named: $0) }
    }

    // MARK: What is new to a session

    private mutating func write(
        newsOf plan: FetchSessionPlan,
        _ writer: inout FetchResponseWriter,
        to output: inout ByteWriter
    ) {
        writer.begin(topicCount: nil, sessionID: plan.sessionID, to: &output)
        var topicCount = 0
        var slot = plan.first
        while slot >= 0 {
            let number = plan.partitions[Int(slot)].topic
            let name = plan.topics[Int(number)]
            let topic = topic(named: name.name, id: name.id)
            writer.beginTopic(name: name.name, id: name.id, partitionCount: nil, to: &output)
            var told = 0
            while slot >= 0, plan.partitions[Int(slot)].topic == number {
                let isNews = writeNews(
                    of: plan.partitions[Int(slot)],
                    slot,
                    topic,
                    &writer,
                    &output
                )
                if isNews { told += 1 }
                slot = plan.partitions[Int(slot)].next
            }
            if told > 0 {
                writer.endTopic(partitionCount: told, to: &output)
                topicCount += 1
            } else {
                writer.dropTopic(from: &output)
            }
        }
        writer.setTopicCount(topicCount, in: &output)
    }

    private mutating func writeNews(
        of partition: FetchSessionPartition,
        _ slot: Int32,
        _ topic: TopicEntry?,
        _ writer: inout FetchResponseWriter,
        _ output: inout ByteWriter
    ) -> Bool {
        if let entry = topic?.partition(partition.index), isQuiet(partition, entry.reader) {
            let highWatermark = partition.highWatermark
            watched.append(WatchedPartition(partition: entry, highWatermark: highWatermark))
            return false
        }
        let bytesBefore = recordBytes
        let head = write(partition.wanted, of: topic, &writer, to: &output)
        let hasRecords = recordBytes > bytesBefore
        guard partition.isNews(head, hasRecords: hasRecords) else {
            writer.dropPartition(from: &output)
            return false
        }
        news.append(FetchNews(slot: slot, head, hasRecords: hasRecords))
        return true
    }

    /// Whether the reader stands at the log's end and knows of it, which is what most partitions
    /// of a large session are like at most times.
    private func isQuiet(_ partition: FetchSessionPartition, _ reader: PartitionReader) -> Bool {
        let ends = reader.ends
        return partition.fetchOffset == ends.highWatermark
            && partition.highWatermark == ends.highWatermark
            && partition.logStartOffset == ends.logStartOffset
            && (partition.currentLeaderEpoch < .zero
                || partition.currentLeaderEpoch == ends.leaderEpoch)
            && (partition.lastFetchedEpoch < .zero
                || partition.lastFetchedEpoch == ends.leaderEpoch)
            && !isReplica
    }

    // MARK: One partition

    /// Returns what was told of it, its records aside.
    private mutating func write(
        _ wanted: FetchRequest.Partition,
        of topic: TopicEntry?,
        _ writer: inout FetchResponseWriter,
        to output: inout ByteWriter
    ) -> FetchResponse.PartitionHead {
        var head = FetchResponse.PartitionHead(index: wanted.index)
        if isolationLevel == .readCommitted { head.abortedTransactions = [] }
        guard let topic, let partition = topic.partition(wanted.index) else {
            head.errorCode = missing(wanted.index, of: topic)
            return end(head, &writer, to: &output)
        }
        let reader = partition.reader
        head.errorCode = LeaderEpochCheck.error(
            claimed: wanted.currentLeaderEpoch,
            actual: reader.leaderEpoch
        )
        if head.errorCode == .fencedLeaderEpoch { tellLeader(reader, in: &head) }
        if head.errorCode == .none, isReplica { head.errorCode = notReplica(wanted) }
        guard head.errorCode == .none, !isDiverging(wanted, reader, &head) else {
            isUrgent = true
            return end(head, &writer, to: &output)
        }
        writer.beginPartition(head, to: &output)
        do throws(CommitLogError) {
            try read(wanted, partition, &head, into: &output)
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
        return head
    }

    /// What is not there does not end the wait for the other partitions, as with Kafka: a client
    /// that has not noticed yet would ask again and again.
    private mutating func missing(_ index: Int32, of topic: TopicEntry?) -> KafkaErrorCode {
        if topic == nil, version >= 13 { return .unknownTopicID }
        let error = KafkaErrorCode.missing(index, of: topic)
        if error == .kafkaStorageError { isUrgent = true }
        return error
    }

    /// There is one broker, so nobody is a partition's replica.
    private func notReplica(_ wanted: FetchRequest.Partition) -> KafkaErrorCode {
        wanted.currentLeaderEpoch >= .zero ? .unknownLeaderEpoch : .notLeaderOrFollower
    }

    /// Ends a partition that is not read.
    private func end(
        _ head: FetchResponse.PartitionHead,
        _ writer: inout FetchResponseWriter,
        to output: inout ByteWriter
    ) -> FetchResponse.PartitionHead {
        writer.beginPartition(head, to: &output)
        writer.endPartition(head, to: &output)
        return head
    }

    private var endpoint: NodeEndpoint {
        NodeEndpoint(
            id: identity.nodeID,
            host: identity.advertisedHost,
            port: Int32(identity.advertisedPort)
        )
    }
}
