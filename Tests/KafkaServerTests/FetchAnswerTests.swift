import BrokerModel
import CommitLog
import HeadwaterTesting
import KafkaServer
import KafkaWire
import Testing

@Suite struct FetchAnswerTests {
    @Test(arguments: 4...18 as ClosedRange<Int16>)
    func `stored batches come out as they lie in the log`(version: Int16) throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let stored = try broker.append([[1], [2]]) + broker.append([[3]])
        broker.commit()
        let id = try broker.topicID("t")
        let fetched = try client.fetch(.now(id: id), version)
        #expect(fetched.errorCode == .none)
        #expect(fetched.sessionID == 0)
        let partition = try fetched.only
        #expect(partition.records == stored)
        #expect(partition.head.errorCode == .none)
        #expect(partition.head.highWatermark == Offset(3))
        #expect(partition.head.lastStableOffset == Offset(3))
        #expect(partition.head.logStartOffset == (version >= 5 ? .zero : Offset(-1)))
        #expect(partition.head.abortedTransactions == nil)
        #expect(broker.counters.bytesFetched.count == stored.count)
    }

    @Test func `records that are not synced are not shown`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let synced = try broker.append([[1]])
        broker.commit()
        try broker.append([[2]])
        #expect(try client.fetch(.now(), 11).only.records == synced)
        let tail = try client.fetch(.now(from: 1), 11).only
        #expect(tail.records == [])
        #expect(tail.head.errorCode == .none)
    }

    @Test func `a reader of committed records gets an empty list of aborted ones`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        var request = FetchRequest.now()
        request.isolationLevel = .readCommitted
        #expect(try client.fetch(request, 11).only.head.abortedTransactions == [])
    }

    @Test func `limits bring whole batches, and one even when it is larger`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let first = try broker.append([[UInt8](repeating: 1, count: 500)])
        let second = try broker.append([[UInt8](repeating: 2, count: 500)])
        broker.commit()
        let both = Int32(first.count + second.count)
        #expect(try client.fetch(.now(bytesMax: both), 11).only.records == first + second)
        #expect(try client.fetch(.now(bytesMax: both - 1), 11).only.records == first)
        #expect(try client.fetch(.now(bytesMax: 1), 11).only.records == first)
        #expect(try client.fetch(.now(bytesMax: 0), 11).only.records == first)
        #expect(try client.fetch(.now(bytesMax: -1), 11).only.records == first)
        var request = FetchRequest.now(from: 1)
        request.bytesMax = 10
        #expect(try client.fetch(request, 11).only.records == second)
    }

    @Test func `partitions share the room of one response, in the order asked`() throws {
        let broker = try TestBroker(["t": 3])
        let client = try broker.connect()
        let sizes = try (0..<3).map { partition in
            try broker.append([[UInt8](repeating: 9, count: 500)], to: "t", partition).count
        }
        broker.commit()
        func partitions(_ order: [Int32], bytesMax: Int) throws -> [Int] {
            var request = FetchRequest.now()
            request.bytesMax = Int32(bytesMax)
            request.topics[0].partitions = order.map {
                .init(index: $0, fetchOffset: .zero, bytesMax: 1 << 20)
            }
            return try client.fetch(request, 11).partitions.map { $0.records?.count ?? -1 }
        }
        #expect(try partitions([0, 1, 2], bytesMax: 1 << 20) == sizes)
        #expect(
            try partitions([0, 1, 2], bytesMax: sizes[0] + sizes[1] + 1) == [sizes[0], sizes[1], 0]
        )
        #expect(try partitions([2, 0, 1], bytesMax: 1) == [sizes[2], 0, 0])
    }

    @Test func `one response reaches across segments`() throws {
        var log = TopicSettings()
        log.log.segmentBytes = ByteCount(1_000)
        let broker = try TestBroker(log: log)
        let client = try broker.connect()
        var stored: [UInt8] = []
        for number: UInt8 in 0..<6 {
            stored += try broker.append([[UInt8](repeating: number, count: 600)])
            broker.commit()
        }
        #expect(try client.fetch(.now(), 11).only.records == stored)
    }

    @Test func `an offset outside of the log is told, without marks`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        try broker.append([[1]])
        broker.commit()
        for offset: Int64 in [-1, 2, .max] {
            let partition = try client.fetch(.now(from: offset).waiting(milliseconds: 9_999), 11)
                .only
            #expect(partition.head.errorCode == .offsetOutOfRange)
            #expect(partition.head.highWatermark == Offset(-1))
            #expect(partition.records == [])
        }
    }

    @Test func `unknown topics, ids and partitions have their own errors`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let stranger = UUIDBytes(high: 8, low: 8)
        #expect(try client.fetch(.now("u"), 12).only.head.errorCode == .unknownTopicOrPartition)
        #expect(try client.fetch(.now(id: stranger), 13).only.head.errorCode == .unknownTopicID)
        #expect(try client.fetch(.now(), 13).only.head.errorCode == .unknownTopicID)
        var request = FetchRequest.now(id: try broker.topicID("t"))
        request.topics[0].partitions[0].index = 5
        #expect(try client.fetch(request, 13).only.head.errorCode == .unknownTopicOrPartition)
    }

    @Test func `a client with another leader epoch is fenced, and told the leader`() throws {
        let broker = try restarted()
        let client = try broker.connect()
        func fetch(epoch: Int32, _ version: Int16) throws -> Fetched {
            var request = FetchRequest.now(id: try broker.topicID("t"))
            request.topics[0].partitions[0].currentLeaderEpoch = LeaderEpoch(epoch)
            return try client.fetch(request, version)
        }
        #expect(try fetch(epoch: 1, 16).only.head.errorCode == .none)
        #expect(try fetch(epoch: 2, 16).only.head.errorCode == .unknownLeaderEpoch)
        let fenced = try fetch(epoch: 0, 16)
        #expect(try fenced.only.head.errorCode == .fencedLeaderEpoch)
        #expect(
            try fenced.only.head.currentLeader
                == LeaderAndEpoch(leaderID: 7, leaderEpoch: LeaderEpoch(1))
        )
        #expect(fenced.endpoints == [NodeEndpoint(id: 7, host: "box.example", port: 9_092)])
        let early = try fetch(epoch: 0, 12)
        #expect(try early.only.head.errorCode == .fencedLeaderEpoch)
        #expect(try early.only.head.currentLeader == nil)
    }

    @Test func `a reader whose log parts from ours is told where`() throws {
        let broker = try restarted()
        let client = try broker.connect()
        func head(epoch: Int32, from offset: Int64) throws -> FetchResponse.PartitionHead {
            var request = FetchRequest.now(from: offset)
            request.topics[0].partitions[0].lastFetchedEpoch = LeaderEpoch(epoch)
            return try client.fetch(request, 12).only.head
        }
        // Epoch 0 ended at offset 1; who has records of it past that must cut them.
        let diverging = FetchResponse.EpochEndOffset(epoch: .zero, endOffset: Offset(1))
        #expect(try head(epoch: 0, from: 5).divergingEpoch == diverging)
        #expect(try head(epoch: 0, from: 1).divergingEpoch == nil)
        #expect(try head(epoch: 0, from: 1).errorCode == .none)
        #expect(try head(epoch: 9, from: 1).errorCode == .offsetOutOfRange)
    }

    @Test func `a damaged log is a storage error for the client and a report for the operator`()
        throws
    {
        let broker = try TestBroker()
        let client = try broker.connect()
        try broker.append([[1]])
        broker.commit()
        broker.fileSystem.damage(
            "/data/t-0/00000000000000000000.log",
            at: 8,
            with: [0xff, 0xff, 0xff, 0xff]
        )
        #expect(try client.fetch(.now(), 11).only.head.errorCode == .kafkaStorageError)
        #expect(broker.counters.readsFailed.count == 1)
        guard case .readFailed(let partition, .damaged) = try #require(broker.reports.all.first)
        else {
            Issue.record("\(broker.reports.all)")
            return
        }
        #expect(partition.description == "t-0")
    }
}
