import BrokerModel
import RecordFormat

/// Kafka's `.snapshot` file, version 1: which producers a log knew at the offset in its name.
///
/// Kafka writes one entry a producer, with its last batch. Here each remembered batch is an entry,
/// oldest first, so that all of them are known again after a start; Kafka reads such a file too,
/// and keeps the last entry of each producer.
package struct ProducerSnapshot: Equatable {
    package struct Entry: Equatable {
        package var producerID: Int64
        package var epoch: Int16
        package var lastSequence: Int32
        package var lastOffset: Int64
        package var lastOffsetDelta: Int32
        package var timestamp: Int64
        package var coordinatorEpoch: Int32
        package var transactionStart: Int64

        static let size = 46
    }

    private static let version: Int16 = 1
    private static let headerSize = 10
    /// Where the bytes begin that the checksum covers: behind itself.
    private static let checkedFrom = 6

    package private(set) var entries: [Entry] = []

    init() {}

    /// Nil when the bytes are no whole snapshot of this version.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard let version: Int16 = reader.readInteger(), version == Self.version,
            let crc: UInt32 = reader.readInteger(),
            crc == Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[Self.checkedFrom...])),
            let count: Int32 = reader.readInteger(), count >= 0,
            reader.remaining == Int(count) * Entry.size
        else { return nil }
        entries.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let entry = Entry(reading: &reader) else { return nil }
            entries.append(entry)
        }
    }

    package func write(to output: inout ByteWriter) {
        output.reserve(Self.headerSize + entries.count * Entry.size)
        let start = output.count
        output.writeInteger(Self.version)
        output.writeInteger(UInt32(0))
        output.writeInteger(Int32(entries.count))
        for entry in entries { entry.write(to: &output) }
        let checked = UnsafeRawBufferPointer(
            rebasing: output.bytes[(start + Self.checkedFrom)...]
        )
        output.patchInteger(Checksum.crc32c(checked), at: start + 2)
    }

    mutating func add(_ state: ProducerState, of producerID: Int64) {
        var entry = Entry(
            producerID: producerID,
            epoch: state.epoch,
            lastSequence: ProducerSequence.none,
            lastOffset: -1,
            lastOffsetDelta: 0,
            timestamp: state.lastTimestamp.rawValue,
            coordinatorEpoch: state.coordinatorEpoch,
            transactionStart: -1
        )
        for index in 0..<max(1, state.batchCount) {
            let isLast = index >= state.batchCount - 1
            if index < state.batchCount {
                let batch = state.batch(index)
                entry.lastSequence = batch.lastSequence
                entry.lastOffset = batch.lastOffset.rawValue
                entry.lastOffsetDelta = batch.lastOffsetDelta
                entry.timestamp = batch.timestamp.rawValue
            }
            if isLast {
                entry.timestamp = state.lastTimestamp.rawValue
                entry.transactionStart = state.transactionStart?.rawValue ?? -1
            }
            entries.append(entry)
        }
    }
}

extension ProducerSnapshot.Entry {
    init?(reading reader: inout ByteReader) {
        guard reader.remaining >= Self.size, let producerID: Int64 = reader.readInteger(),
            let epoch: Int16 = reader.readInteger(), let sequence: Int32 = reader.readInteger(),
            let offset: Int64 = reader.readInteger(), let delta: Int32 = reader.readInteger(),
            let timestamp: Int64 = reader.readInteger(),
            let coordinatorEpoch: Int32 = reader.readInteger(),
            let transactionStart: Int64 = reader.readInteger()
        else { return nil }
        self.init(
            producerID: producerID,
            epoch: epoch,
            lastSequence: sequence,
            lastOffset: offset,
            lastOffsetDelta: delta,
            timestamp: timestamp,
            coordinatorEpoch: coordinatorEpoch,
            transactionStart: transactionStart
        )
    }

    func write(to output: inout ByteWriter) {
        output.writeInteger(producerID)
        output.writeInteger(epoch)
        output.writeInteger(lastSequence)
        output.writeInteger(lastOffset)
        output.writeInteger(lastOffsetDelta)
        output.writeInteger(timestamp)
        output.writeInteger(coordinatorEpoch)
        output.writeInteger(transactionStart)
    }

    func apply(to state: inout ProducerState) {
        if lastOffset >= 0 {
            let batch = ProducerState.Batch(
                lastSequence: lastSequence,
                lastOffset: Offset(lastOffset),
                lastOffsetDelta: lastOffsetDelta,
                timestamp: Timestamp(rawValue: timestamp)
            )
            state.note(batch, epoch: epoch)
        } else {
            state.noteMarker(epoch: epoch, at: Timestamp(rawValue: timestamp))
        }
        state.coordinatorEpoch = coordinatorEpoch
        state.transactionStart = transactionStart >= 0 ? Offset(transactionStart) : nil
    }
}
