import BrokerModel
import CommitLog
import EventLoop
import KafkaSessions
import KafkaWire
import Partitions
import RecordFormat

/// The coordinator's way into `__consumer_offsets-0`. Confined to the Kafka loop.
///
/// What one burst brought is one batch, synced before anybody hears of it. While enough is on its
/// way the next batch grows, so a busy disk makes large batches and an idle one no client wait.
final class GroupJournal {
    typealias Completion = (KafkaErrorCode) -> Void

    /// Called with the records of each `append` once the log has answered for them, before its
    /// completion runs.
    var settled: ([GroupRecord], _ areKept: Bool) -> Void = { _, _ in }
    /// Called once for each batch that the log refused, or failed to keep.
    var appendFailed: (CommitLogError) -> Void = { _ in }
    /// Called when the log has answered and there is room, for who has seen `isFull`.
    var roomReturned: () -> Void = {}

    private let loop: EventLoop
    private var partition: PartitionHandle?
    private let shard: Mailbox<PartitionShardMessage>
    private let replies: Mailbox<AppendReply>

    private var builder = RecordBatchBuilder()
    private var compressor = ZstdCompressor()
    private var key = ByteWriter()
    private var value = ByteWriter()
    /// Who waits for the open batch, in order.
    private var open: [Waiting] = []
    /// Batches on their way, oldest first, a handful at most.
    private var inFlight: [Sent] = []
    private var spareBatches: [SealedBatch] = []
    private var bytesInFlight = 0

    private struct Waiting {
        let records: [GroupRecord]
        let then: Completion
    }

    private struct Sent {
        let batch: SealedBatch
        let bytes: Int
        let waiting: [Waiting]
    }

    init(loop: EventLoop, shard: Mailbox<PartitionShardMessage>) {
        self.loop = loop
        self.shard = shard
        let inbox = JournalInbox()
        replies = loop.makeMailbox { inbox.journal?.receive($0) }
        inbox.journal = self
    }

    /// Where everything is kept from now on. Without it, every append is answered that there is no
    /// coordinator.
    func open(_ partition: PartitionHandle) { self.partition = partition }

    var isOpen: Bool { partition != nil }

    /// Whether whoever can wait should: the log has not answered for much.
    var isFull: Bool { bytesWaiting >= KafkaServerLimits.journalBytesInFlightMax }

    /// Whether the log has answered for all that was written.
    var isIdle: Bool { open.isEmpty && inFlight.isEmpty }

    /// Bytes of records that the log has not answered for.
    var bytesWaiting: Int { bytesInFlight + builder.uncompressedBytes.rawValue }

    /// Writes the records as one, all or none. `then` runs later, never inside of this call: once
    /// all of them are durable, or with why they are not. Calls are answered in their order.
    func append(_ records: [GroupRecord], then: @escaping Completion) {
        let waiting = Waiting(records: records, then: then)
        guard partition != nil else { return answerLater(.coordinatorNotAvailable, waiting) }
        if records.isEmpty, isIdle { return answerLater(.none, waiting) }
        if builder.uncompressedBytes.rawValue >= KafkaServerLimits.journalBatchBytes { send() }
        do throws(RecordFormatError) {
            for record in records {
                let hasValue = record.write(key: &key, value: &value)
                try builder.append(
                    timestamp: loop.wallClock,
                    key: key.bytes,
                    value: hasValue ? value.bytes : nil
                )
            }
        } catch {
            // Two gibibytes of names: no frame brings as much.
            preconditionFailure("a request's records fit one batch: \(error)")
        }
        open.append(waiting)
    }

    /// Sends what this burst brought.
    func burstEnded() {
        guard !open.isEmpty, inFlight.count < KafkaServerLimits.appendsInFlightMax else { return }
        send()
    }

    /// Sends everything, however much is on its way.
    func flush() { if !open.isEmpty { send() } }

    private func answerLater(_ code: KafkaErrorCode, _ waiting: Waiting) {
        loop.schedule(at: loop.now) { [weak self] in self?.answer([waiting], code) }
    }

    private func answer(_ waiting: [Waiting], _ code: KafkaErrorCode) {
        for one in waiting {
            settled(one.records, code == .none)
            one.then(code)
        }
    }

    private func send() {
        guard let partition, !builder.isEmpty else { return sendNothing() }
        let batch = spareBatches.popLast() ?? SealedBatch()
        batch.recordCount = builder.recordCount
        // Before compression: it is the records that are held until the log has answered.
        let bytes = builder.uncompressedBytes.rawValue
        builder.seal(compressor: &compressor, into: &batch.bytes)
        let sent = Sent(batch: batch, bytes: bytes, waiting: open)
        open.removeAll()
        bytesInFlight += sent.bytes
        inFlight.append(sent)
        shard.post(
            .append(
                AppendRequest(
                    partition: partition,
                    batch: batch,
                    needsSync: true,
                    replyTo: replies
                )
            )
        )
    }

    /// Who wrote nothing is answered with the batch before.
    private func sendNothing() {
        let waiting = open
        open.removeAll()
        guard let last = inFlight.popLast() else {
            for one in waiting { answerLater(.none, one) }
            return
        }
        let all = last.waiting + waiting
        inFlight.append(Sent(batch: last.batch, bytes: last.bytes, waiting: all))
    }

    private func receive(_ replies: [AppendReply]) {
        for reply in replies {
            // Replies of one partition come in the order of its requests.
            guard let sent = inFlight.first, sent.batch === reply.batch else { continue }
            inFlight.removeFirst()
            bytesInFlight -= sent.bytes
            recycle(sent.batch)
            let code: KafkaErrorCode
            switch reply.outcome {
            case .success: code = .none
            case .failure(let error):
                appendFailed(error)
                code = Self.code(error)
            }
            answer(sent.waiting, code)
        }
        if !isFull { roomReturned() }
    }

    /// As Kafka's coordinator maps what its log says.
    private static func code(_ error: CommitLogError) -> KafkaErrorCode {
        switch error {
        case .closed: .coordinatorNotAvailable
        case .fileSystem, .readOnly, .damaged, .unusable: .notCoordinator
        case .batchTooLarge, .malformedBatch, .offsetOutOfRange: .unknownServerError
        }
    }

    private func recycle(_ batch: SealedBatch) {
        guard spareBatches.count < KafkaServerLimits.spareAppendsMax,
            batch.bytes.capacity <= KafkaServerLimits.journalBatchBytes
        else { return }
        batch.bytes.removeAll()
        batch.recordCount = 0
        spareBatches.append(batch)
    }
}

/// Lets the mailbox's closure find the journal that is made after it.
private final class JournalInbox {
    weak var journal: GroupJournal?
}
