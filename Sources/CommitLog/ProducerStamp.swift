import BrokerModel
import RecordFormat

/// What a batch's header says of the producer that built it, where that has an id (KIP-98).
struct ProducerStamp: Equatable {
    let producerID: Int64
    let epoch: Int16
    let firstSequence: Int32
    let lastOffsetDelta: Int32
    let maxTimestamp: Timestamp
    let isTransactional: Bool
    let isControl: Bool

    /// Nil for a batch whose producer has no id, and for bytes that are no batch.
    init?(_ bytes: UnsafeRawBufferPointer) {
        do throws(RecordFormatError) {
            guard let batch = try RecordBatchView.first(in: bytes), batch.producerID >= 0 else {
                return nil
            }
            producerID = batch.producerID
            epoch = batch.producerEpoch
            firstSequence = batch.baseSequence
            lastOffsetDelta = batch.lastOffsetDelta
            maxTimestamp = batch.maxTimestamp
            isTransactional = batch.isTransactional
            isControl = batch.isControl
        } catch {
            return nil
        }
    }

    var lastSequence: Int32 { ProducerSequence.advance(firstSequence, by: lastOffsetDelta) }
}

/// Sequences count records from 0 to the largest 32-bit number, and then from 0 again.
enum ProducerSequence {
    static let none: Int32 = -1

    static func advance(_ sequence: Int32, by delta: Int32) -> Int32 {
        let sum = sequence &+ delta
        // The sign bit is no part of a sequence: without it, what overflowed has come round.
        return sum < sequence ? sum & .max : sum
    }

    static func goBack(_ sequence: Int32, by delta: Int32) -> Int32 {
        sequence < delta ? (sequence &- delta) & .max : sequence &- delta
    }

    static func follows(_ last: Int32, _ next: Int32) -> Bool {
        next == last &+ 1 || last == .max && next == 0
    }
}
