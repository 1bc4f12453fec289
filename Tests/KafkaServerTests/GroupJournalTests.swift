import BrokerModel
import CommitLog
import HeadwaterTesting
import KafkaServer
import KafkaWire
import RecordFormat
import Testing

/// What the log keeps of groups, and when their clients hear of it.
@Suite struct GroupJournalTests {
    private static let log = "/data/__consumer_offsets-0/00000000000000000000.log"

    @Test func `a commit is answered, and seen, only once it is synced`() throws {
        let broker = try ProducingBroker(OffsetRequestTests.topics, storing: false)
        let (client, other) = (try broker.connect(), try broker.connect())
        let number = try client.sendCommit([0: 5])
        broker.expectEventually { broker.counters.offsetsCommitted.count == 1 }
        #expect(try other.committed() == FetchedOffset())
        try broker.startStoring()
        #expect(try client.receiveCommit(number) == [.none])
        #expect(try other.committed().offset == 5)
    }

    @Test func `commits of one connection are answered in order, and the last one holds`() throws {
        let broker = try ProducingBroker(OffsetRequestTests.topics)
        let client = try broker.connect()
        let numbers = try (1...50).map { try client.sendCommit([0: $0]) }
        for number in numbers { #expect(try client.receiveCommit(number) == [.none]) }
        #expect(try client.committed().offset == 50)
    }

    @Test func `what comes while the disk is busy is one batch`() throws {
        let broker = try ProducingBroker(OffsetRequestTests.topics, storing: false)
        let clients = try (0..<40).map { _ in try broker.connect() }
        let numbers = try clients.enumerated().map { index, client in
            try client.sendCommit([0: Int64(index)], group: "g\(index)")
        }
        broker.expectEventually { broker.counters.offsetsCommitted.count == 40 }
        try broker.startStoring()
        for (client, number) in zip(clients, numbers) {
            #expect(try client.receiveCommit(number) == [.none])
        }
        #expect(batches(in: broker.stored("__consumer_offsets")) <= 3)
    }

    @Test func `a commit that the disk keeps waiting is told to try again, and is kept`() throws {
        var settings = KafkaServerSettings()
        settings.offsets.commitTimeout = .milliseconds(100)
        let broker = try ProducingBroker(
            OffsetRequestTests.topics,
            settings: settings,
            storing: false
        )
        let client = try broker.connect()
        #expect(try client.commit([0: 5]) == [.coordinatorNotAvailable])
        #expect(try client.committed() == FetchedOffset())
        try broker.startStoring()
        broker.expectEventually { (try? client.committed().offset) == 5 }
    }

    @Test func `a write that fails leaves what was committed before`() throws {
        let broker = try ProducingBroker(OffsetRequestTests.topics)
        let client = try broker.connect()
        #expect(try client.commit([0: 5]) == [.none])
        var faults = SimulatedFaults()
        faults.fail(.sync, pathSuffix: Self.log, reason: .io)
        broker.fileSystem.setFaults(faults)
        #expect(try client.commit([0: 6]) == [.notCoordinator])
        #expect(try client.committed().offset == 5)
        #expect(try client.commit([0: 7]) == [.notCoordinator])
        #expect(try client.deleteOffsets([0]).group == .notCoordinator)
        #expect(broker.counters.groupWritesFailed.count == 3)
    }

    @Test func `a full journal holds up who brings more, and nobody else`() throws {
        let broker = try ProducingBroker(
            OffsetRequestTests.topics,
            groupMemory: .mebibytes(64),
            storing: false
        )
        let metadata = String(repeating: "m", count: 4_000)
        var sent: [(TestClient, Int32)] = []
        // Each brings about 1 MiB, and 4 MiB may be on their way.
        for group in 0..<8 {
            let client = try broker.connect()
            let offsets = Dictionary(uniqueKeysWithValues: (0..<256).map { (Int32($0), Int64(1)) })
            sent.append(
                (
                    client,
                    try client.sendCommit(
                        offsets,
                        of: "wide",
                        group: "g\(group)",
                        metadata: metadata
                    )
                )
            )
        }
        broker.expectEventually { broker.counters.journalWaits.count > 0 }
        #expect(try broker.connect().committed() == FetchedOffset())
        try broker.startStoring()
        for (client, number) in sent {
            #expect(try client.receiveCommit(number).allSatisfy { $0 == .none })
        }
    }

    // MARK: Restarts

    @Test func `offsets are there after a restart, deletions too`() throws {
        let first = try ProducingBroker(OffsetRequestTests.topics)
        let client = try first.connect()
        #expect(try client.commit([0: 5, 1: 6], metadata: "md", epoch: 1) == [.none, .none])
        #expect(try client.commit([2: 9], retention: 86_400_000, 3) == [.none])
        #expect(try client.deleteOffsets([1]).partitions == [.none])
        first.stop()

        let second = try ProducingBroker(OffsetRequestTests.topics, fileSystem: first.fileSystem)
        let again = try second.connect()
        #expect(try again.committed() == FetchedOffset(offset: 5, metadata: "md", epoch: 1))
        #expect(try again.allCommitted() == ["t-0": 5, "t-2": 9])
        #expect(second.groupReport?.offsets == 2 && second.groupReport?.unreadable == 0)
    }

    @Test func `a damaged batch costs what it holds, and stops no start`() throws {
        let first = try ProducingBroker(OffsetRequestTests.topics)
        let client = try first.connect()
        #expect(try client.commit([0: 5]) == [.none])
        let start = first.stored("__consumer_offsets").count
        #expect(try client.commit([1: 6]) == [.none])
        #expect(try client.commit([2: 7]) == [.none])
        first.stop()
        first.fileSystem.damage(Self.log, at: start + 70, with: [0xff, 0xff])

        let second = try ProducingBroker(OffsetRequestTests.topics, fileSystem: first.fileSystem)
        #expect(try second.connect().allCommitted() == ["t-0": 5, "t-2": 7])
        #expect(second.groupReport?.damaged.count == 1)
    }

    private func batches(in log: [UInt8]) -> Int {
        log.withUnsafeBytes { bytes in
            var (count, position) = (0, 0)
            while let batch = try? RecordBatchView.first(
                in: UnsafeRawBufferPointer(rebasing: bytes[position...])
            ) {
                position += batch.sizeInBytes.rawValue
                count += 1
            }
            return count
        }
    }

    // MARK: Crashes

    @Test(arguments: Array(1...24) as [UInt64])
    func `after a power cut each acknowledged commit is there, or one that was sent later`(
        seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        var disk = SimulatedFileSystem()
        // What was acknowledged last of each partition, and what was sent last.
        var acknowledged = [Int64](repeating: -1, count: 4)
        var sent = acknowledged
        for life in 0..<3 {
            let broker = try ProducingBroker(OffsetRequestTests.topics, fileSystem: disk)
            let client = try broker.connect()
            for partition in 0..<4 {
                let found = try client.committed(Int32(partition)).offset
                #expect(
                    found >= acknowledged[partition] && found <= sent[partition],
                    "seed \(seed), life \(life), partition \(partition)"
                )
                acknowledged[partition] = found
            }
            disk.crash(atCall: disk.calls + 2 + generator.below(60))
            for number in 1...60 {
                let partition = generator.below(4)
                let offset = Int64(life * 1_000 + number)
                sent[partition] = offset
                let codes = try client.commit([Int32(partition): offset])
                if codes == [.none] { acknowledged[partition] = offset }
                guard !disk.hasCrashed else { break }
            }
            broker.stop()
            disk = disk.survivors(seed: generator.next())
        }
    }
}
