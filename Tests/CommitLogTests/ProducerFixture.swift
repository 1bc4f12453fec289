import BrokerModel
import CommitLog
import HeadwaterTesting
import RecordFormat

/// One batch as a test's producer sends it.
struct SentBatch {
    var id: Int64 = 7
    var epoch: Int16 = 0
    var sequence: Int32 = 0
    var records = 1
    var time: Int64 = 0

    /// A producer without an id.
    static let plain = SentBatch(id: -1, epoch: -1, sequence: -1)

    func write(to output: inout ByteWriter) throws {
        let batch = try LogFixture.batch(records: records, time: time)
        IdempotentBatch.stamp(batch.mutableBytes, producerID: id, epoch: epoch, sequence: sequence)
        output.writeBytes(batch.bytes)
    }
}

extension PartitionLog {
    /// Appends batches in one go, without a sync, and tells what became of each.
    @discardableResult
    func send(
        _ batches: [SentBatch],
        now: Timestamp = LogFixture.start
    ) throws -> [BatchOutcome] {
        var bytes = ByteWriter()
        for batch in batches { try batch.write(to: &bytes) }
        var outcomes: [BatchOutcome] = []
        _ = try append(checking: bytes.mutableBytes, outcomes: &outcomes, now: now)
        return outcomes
    }

    @discardableResult
    func send(_ sequence: Int32, id: Int64 = 7, epoch: Int16 = 0, records: Int = 1) throws
        -> BatchOutcome
    {
        let batch = SentBatch(id: id, epoch: epoch, sequence: sequence, records: records)
        return try send([batch])[0]
    }
}

extension BatchOutcome {
    static func duplicate(_ offset: Int64) -> BatchOutcome {
        .duplicate(of: Offset(offset), time: LogFixture.start)
    }

    static func appended(_ offset: Int64) -> BatchOutcome { .appended(Offset(offset)) }

    static func outOfOrder(_ sequence: Int32, after last: Int32) -> BatchOutcome {
        .refused(.outOfOrder(producerID: 7, sequence: sequence, last: last))
    }
}

extension LogFixture {
    /// The snapshots in the folder, by name.
    func snapshots() throws -> [String] {
        try fileSystem.list(Self.folder).map(\.name).filter { $0.hasSuffix(".snapshot") }.sorted()
    }
}
