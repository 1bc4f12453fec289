import BrokerModel
import CommitLog
import HeadwaterTesting
import Partitions
import RecordFormat

/// An idempotent producer of one partition, as clients are: at most five batches are not answered
/// for; after a crash those are sent again, in order, before anything new.
final class SimulatedProducer {
    struct Sent {
        let sequence: Int32
        let records: Int32
        let bytes: [UInt8]
        /// What the log said; counts once it is synced.
        var offset: Offset?
    }

    static let inFlightMax = 5
    private static let rememberedMax = 12

    let id: Int64
    private var nextSequence: Int32
    private(set) var inFlight: [Sent] = []
    /// The last ones that were acknowledged, oldest first.
    private(set) var acknowledged: [Sent] = []

    init(id: Int64, firstSequence: Int32) {
        self.id = id
        nextSequence = firstSequence
    }

    /// Makes the next batch, which is then in flight.
    func makeBatch(from batch: BatchPool.Batch) {
        var bytes = batch.bytes
        bytes.withUnsafeMutableBytes {
            IdempotentBatch.stamp($0, producerID: id, epoch: 0, sequence: nextSequence)
        }
        let count = Int32(batch.recordCount)
        inFlight.append(Sent(sequence: nextSequence, records: count, bytes: bytes))
        let left = Int32.max - nextSequence
        nextSequence = count > left ? count - left - 1 : nextSequence + count
    }

    /// Takes an answer about a batch in flight; the one of an earlier try stays as it was.
    func note(_ outcome: BatchOutcome, of sequence: Int32) throws(Violation) {
        guard let index = inFlight.firstIndex(where: { $0.sequence == sequence }) else {
            return try noteAboutOld(outcome, of: sequence)
        }
        let offset: Offset
        switch outcome {
        case .appended(let given):
            guard inFlight[index].offset == nil else {
                throw violation("sequence \(sequence) was appended twice without a crash")
            }
            offset = given
        case .duplicate(let given, _): offset = given
        case .refused(let fault): throw violation("was refused: \(fault)")
        }
        if let known = inFlight[index].offset, known != offset {
            throw violation("sequence \(sequence) is at \(known), and then at \(offset)")
        }
        inFlight[index].offset = offset
    }

    /// A batch that was acknowledged before comes late once more.
    private func noteAboutOld(_ outcome: BatchOutcome, of sequence: Int32) throws(Violation) {
        switch outcome {
        case .appended: throw violation("sequence \(sequence) was appended again")
        case .duplicate(let offset, _):
            let known = acknowledged.last { $0.sequence == sequence }?.offset
            guard known == nil || known == offset else {
                throw violation("sequence \(sequence) was acknowledged elsewhere")
            }
        case .refused: break  // It lies further back than the log remembers.
        }
    }

    func acknowledge(below highWatermark: Offset) {
        while let first = inFlight.first, let offset = first.offset,
            offset + Int(first.records) <= highWatermark
        {
            acknowledged.append(inFlight.removeFirst())
        }
        if acknowledged.count > Self.rememberedMax {
            acknowledged.removeFirst(acknowledged.count - Self.rememberedMax)
        }
    }

    /// What was said and not synced counts for nothing.
    func forgetAnswers() {
        for index in inFlight.indices { inFlight[index].offset = nil }
    }

    private func violation(_ what: String) -> Violation {
        Violation(promise: .exactlyOnce, what: "a batch of producer \(id): \(what)")
    }
}

extension Simulation {
    /// One or two producers of a partition send what they have to, in one append.
    func produce(to store: PartitionStore) throws {
        guard let (partition, handle) = durablePartition(in: store) else { return }
        if partition.producers.count < 3, generator.oneIn(4) || partition.producers.isEmpty {
            guard let id = try takeProducerID(from: store) else { return }
            let nearTheEnd = Int32.max - Int32(generator.below(60))
            partition.producers.append(
                SimulatedProducer(id: id, firstSequence: generator.oneIn(2) ? 0 : nearTheEnd)
            )
        }
        var sent: [(producer: SimulatedProducer, batch: SimulatedProducer.Sent)] = []
        for _ in 0...generator.below(2) {
            let producer = partition.producers[generator.below(partition.producers.count)]
            sent += nextBatches(of: producer).map { (producer, $0) }
        }
        output.removeAll()
        for (_, batch) in sent { batch.bytes.withUnsafeBytes { output.writeBytes($0) } }
        var outcomes: [BatchOutcome] = []
        do throws(CommitLogError) {
            guard !sent.isEmpty else { return }
            _ = try store.append(
                checking: output.mutableBytes,
                to: handle,
                outcomes: &outcomes,
                now: moment.wallClock
            )
        } catch {
            try expectCrash(error)
            noteAdmitted(outcomes, of: sent.map(\.batch))
            try partition.noteAppended(output.bytes)
            return  // Nobody is told anything.
        }
        noteAdmitted(outcomes, of: sent.map(\.batch))
        try partition.noteAppended(output.bytes)
        for (one, outcome) in zip(sent, outcomes) {
            try one.producer.note(outcome, of: one.batch.sequence)
        }
    }

    /// The appended ones stand at the front; what is behind them is of no batch.
    private func noteAdmitted(_ outcomes: [BatchOutcome], of sent: [SimulatedProducer.Sent]) {
        var size = 0
        for (batch, outcome) in zip(sent, outcomes) {
            guard case .appended = outcome else { continue }
            size += batch.bytes.count
            producedBatches += 1
            recordsAppended += Int(batch.records)
        }
        output.truncate(to: size)
    }

    private func nextBatches(of producer: SimulatedProducer) -> [SimulatedProducer.Sent] {
        let unanswered = producer.inFlight.filter { $0.offset == nil }
        guard unanswered.isEmpty else { return unanswered }
        if generator.oneIn(5) {
            // The network brings an old one once more.
            let old = producer.acknowledged + producer.inFlight
            if !old.isEmpty { return [old[generator.below(old.count)]] }
        }
        guard producer.inFlight.count < SimulatedProducer.inFlightMax else { return [] }
        producer.makeBatch(from: BatchPool.shared.batch(generator.below(150), of: 0))
        return producer.inFlight.suffix(1)
    }

    private func durablePartition(
        in store: PartitionStore
    ) -> (PartitionHistory, PartitionHandle)? {
        let topics = histories.filter {
            $0.life == .present && $0.settings.durability == .durable
        }
        guard !topics.isEmpty else { return nil }
        let topic = topics[generator.below(topics.count)]
        let number = generator.below(topic.partitions.count)
        let name = TopicPartition(topic: topic.name, partition: Int32(number))
        return store.handle(of: name).map { (topic.partitions[number], $0) }
    }

    /// An id out of a block of this life's; nil when the machine died meanwhile.
    private func takeProducerID(from store: PartitionStore) throws -> Int64? {
        if producerIDs.isEmpty {
            do throws(PartitionStoreError) {
                producerIDs = try store.allocateProducerIDs(now: moment)
            } catch {
                try expectCrash(error)
                return nil
            }
        }
        guard let id = producerIDs.first else { return nil }
        producerIDs = producerIDs.dropFirst()
        guard producerIDsGiven.insert(id).inserted else {
            throw Violation(promise: .exactlyOnce, what: "producer id \(id) was given twice")
        }
        return id
    }
}

/// A batch of an idempotent producer is stored once, however often it was sent, and lies where its
/// acknowledgement says.
enum ExactlyOnce {
    private struct Key: Hashable {
        let producerID: Int64
        let sequence: Int32
    }

    static func check(
        _ history: PartitionHistory,
        stored: UnsafeRawBufferPointer
    ) throws {
        guard !history.producers.isEmpty else { return }
        var places: [Key: Offset] = [:]
        var rest = stored
        while let batch = try RecordBatchView.first(in: rest) {
            rest = UnsafeRawBufferPointer(rebasing: rest[batch.sizeInBytes.rawValue...])
            guard batch.producerID >= 0 else { continue }
            let key = Key(producerID: batch.producerID, sequence: batch.baseSequence)
            if let other = places.updateValue(batch.baseOffset, forKey: key) {
                throw Violation(
                    promise: .exactlyOnce,
                    what: "\(key) is stored at \(other) and at \(batch.baseOffset)"
                )
            }
        }
        for producer in history.producers {
            for sent in producer.acknowledged {
                guard let offset = sent.offset, offset >= history.logStart else { continue }
                let key = Key(producerID: producer.id, sequence: sent.sequence)
                guard places[key] == offset else {
                    throw Violation(
                        promise: .exactlyOnce,
                        what: "\(key) was acknowledged at \(offset), and is not there"
                    )
                }
            }
        }
    }
}
