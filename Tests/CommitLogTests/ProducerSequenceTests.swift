import BrokerModel
import CommitLog
import HeadwaterTesting
import Testing

/// What a partition does with the batches of producers that have an id.
@Suite struct ProducerSequenceTests {
    @Test func `batches in sequence are appended, and one after a hole is refused`() throws {
        let log = try LogFixture().open().log
        #expect(try log.send(0, records: 3) == .appended(0))
        #expect(try log.send(3) == .appended(3))
        #expect(try log.send(5) == .outOfOrder(5, after: 3))
        #expect(try log.send(4) == .appended(4))
        try log.sync()
        #expect(try LogFixture.read(log.reader) == [Offset(0), Offset(3), Offset(4)])
    }

    @Test func `each of the last five batches is known again, and none before`() throws {
        let log = try LogFixture().open().log
        for sequence in 0..<7 as Range<Int32> { try log.send(2 * sequence, records: 2) }
        for sequence in 2..<7 as Range<Int32> {
            let again = try log.send([SentBatch(sequence: 2 * sequence, records: 2)])[0]
            let time = Timestamp(milliseconds: LogFixture.start.rawValue + 1)
            #expect(again == .duplicate(of: Offset(Int64(2 * sequence)), time: time))
        }
        #expect(try log.send(2, records: 2) == .outOfOrder(2, after: 13))
        #expect(log.logEndOffset == Offset(14))
    }

    @Test func `a batch is a duplicate only when it has the same records`() throws {
        let log = try LogFixture().open().log
        try log.send(0, records: 3)
        #expect(try log.send(0, records: 2) == .outOfOrder(0, after: 2))
        #expect(try log.send(1, records: 2) == .outOfOrder(1, after: 2))
    }

    @Test func `sequences come round to 0 after the largest number`() throws {
        let log = try LogFixture().open().log
        let last = Int32.max
        #expect(try log.send(last - 2, records: 2) == .appended(0))
        #expect(try log.send(last, records: 3) == .appended(2))
        #expect(try log.send(last, records: 3) == .duplicate(of: Offset(2), time: at(2)))
        #expect(try log.send(2, records: 1) == .appended(5))
        #expect(try log.send(4) == .outOfOrder(4, after: 2))
        let other = try LogFixture().open().log
        try other.send(last)
        #expect(try other.send(0) == .appended(1))
        #expect(try other.send(last) == .duplicate(0))
    }

    @Test func `a new epoch begins at 0, and the one before it is over`() throws {
        let log = try LogFixture().open().log
        try log.send(0)
        let early = ProducerFault.newEpochNotAtZero(producerID: 7, sequence: 1, epoch: 2, last: 0)
        #expect(try log.send(1, epoch: 2) == .refused(early))
        #expect(try log.send(0, epoch: 2) == .appended(1))
        let late = ProducerFault.epochTooOld(producerID: 7, epoch: 0, last: 2)
        #expect(try log.send(1) == .refused(late))
        #expect(try log.send(0) == .refused(late))
        #expect(try log.send(0, epoch: 2) == .duplicate(1))
    }

    @Test func `a producer that is not known may begin with any sequence`() throws {
        let log = try LogFixture().open().log
        #expect(try log.send(4_711) == .appended(0))
        #expect(try log.send(4_713) == .outOfOrder(4_713, after: 4_711))
    }

    @Test func `each batch of an append is judged by itself`() throws {
        let log = try LogFixture().open().log
        try log.send(0)
        let outcomes = try log.send([
            SentBatch(sequence: 1, records: 2), SentBatch(id: 8, sequence: 9), .plain,
            SentBatch(sequence: 0), SentBatch(id: 8, sequence: 11), SentBatch(sequence: 3),
            SentBatch(sequence: 1, records: 2),
        ])
        #expect(
            outcomes == [
                .appended(1), .appended(3), .appended(4), .duplicate(0),
                .refused(.outOfOrder(producerID: 8, sequence: 11, last: 9)), .appended(5),
                .duplicate(of: Offset(1), time: at(1)),
            ]
        )
        try log.sync()
        #expect(try LogFixture.read(log.reader) == [0, 1, 3, 4, 5].map { Offset($0) })
        let again = try log.send([SentBatch(sequence: 3), SentBatch(id: 8, sequence: 9)])
        #expect(again == [.duplicate(5), .duplicate(3)])
        #expect(log.logEndOffset == Offset(6))
    }

    @Test func `an append with bytes that are no batch leaves no trace of its producers`() throws {
        let log = try LogFixture().open().log
        var bytes = ByteWriter()
        try SentBatch().write(to: &bytes)
        bytes.writeByte(0)
        var outcomes: [BatchOutcome] = []
        #expect(throws: CommitLogError.self) {
            try log.append(checking: bytes.mutableBytes, outcomes: &outcomes, now: LogFixture.start)
        }
        #expect(outcomes.isEmpty)
        #expect(try log.send(0) == .appended(0))
    }

    @Test(arguments: [FileSystemError.Operation.write, .sync])
    func `what a failed disk lost is never taken for a duplicate`(
        operation: FileSystemError.Operation
    ) throws {
        var fixture = try LogFixture()
        let log = try fixture.open().log
        try log.send(0)
        try log.sync()
        var faults = SimulatedFaults()
        faults.fail(operation, pathSuffix: ".log", reason: .io)
        fixture.fileSystem.setFaults(faults)
        #expect(throws: CommitLogError.self) {
            try log.send(1)
            try log.sync()
        }
        #expect(throws: CommitLogError.self) { try log.send(1) }
        #expect(throws: CommitLogError.self) { try log.send(0) }
        fixture.fileSystem.setFaults(SimulatedFaults())
        fixture.fileSystem = fixture.fileSystem.survivors(seed: 1)
        let reopened = try fixture.open(afterCleanStop: false).log
        #expect(try reopened.send(0) == .duplicate(0))
        #expect(try reopened.send(1) == .appended(1))
    }

    @Test func `producers are shown with what they sent last`() throws {
        let log = try LogFixture().open().log
        try log.send(0, records: 2)
        try log.send(5, id: 3, epoch: 4)
        let shown = log.reader.producers
        #expect(shown.map(\.producerID) == [3, 7])
        #expect(shown.map(\.epoch) == [4, 0])
        #expect(shown.map(\.lastSequence) == [5, 1])
        #expect(shown.map(\.lastTimestamp) == [at(0), at(1)])
        #expect(shown.allSatisfy { $0.coordinatorEpoch == -1 && $0.transactionStart == Offset(-1) })
        log.abandon()
        #expect(log.reader.producers.isEmpty)
    }

    @Test func `a producer that sends nothing is forgotten after its time, and no other`() throws {
        let log = try LogFixture().open().log
        let day = Duration.days(1)
        func pass(_ hours: Int) {
            let now = MonotonicTime(nanoseconds: 0) + .seconds(3_600 * hours)
            log.expireProducers(after: day, now: now)
        }
        try log.send(0)
        try log.send(0, id: 8)
        pass(1)
        pass(20)
        try log.send(1, id: 8)
        pass(24)
        #expect(log.reader.producers.count == 2)
        pass(25)
        #expect(log.reader.producers.map(\.producerID) == [8])
        #expect(try log.send(17) == .appended(3))
    }

    @Test func `with too many producers those that are quiet for longest are forgotten`() throws {
        let limit = ProducerLimit(most: 100)
        let fixture = try LogFixture()
        let log = try fixture.open(producers: limit).log
        for id in 0..<50 as Range<Int64> { try log.send(0, id: id) }
        #expect(try log.send(1, id: 0) == .appended(50))
        #expect(limit.known == 50)
        try log.send(0, id: 50)
        #expect(limit.evicted.count == 6 && limit.known == 45)
        let known = log.reader.producers.map(\.producerID)
        #expect(known == [0] + Array(7...50))
        // Of a broker that is full a partition still remembers a few.
        let other = try LogFixture().open(producers: limit).log
        for id in 0..<200 as Range<Int64> { try other.send(0, id: id) }
        #expect(limit.known <= 100)
        #expect(other.reader.producers.count >= 8)
        other.abandon()
        log.abandon()
        #expect(limit.known == 0)
    }

    private func at(_ milliseconds: Int64) -> Timestamp {
        Timestamp(milliseconds: LogFixture.start.rawValue + milliseconds)
    }
}
