import BrokerModel
import CommitLog
import KafkaWire
import RecordFormat

/// Why one partition's records were not stored, as Kafka says it.
struct ProduceRefusal: Error, Equatable {
    let code: KafkaErrorCode
    let message: String
    /// The record that is to blame, counted from 0 in its batch.
    var record: Int32?

    init(_ code: KafkaErrorCode, _ message: String, record: Int? = nil) {
        self.code = code
        self.message = message
        self.record = record.flatMap { Int32(exactly: $0) }
    }

    /// What the log said. Nobody but its own broker can be to blame for what passed the checks.
    init(_ error: CommitLogError) {
        switch error {
        case .closed: self.init(.unknownTopicOrPartition, "the topic was deleted")
        case .batchTooLarge: self.init(.recordListTooLarge, "\(error)")
        case .fileSystem, .readOnly, .damaged, .unusable:
            self.init(.kafkaStorageError, "\(error)")
        case .malformedBatch, .offsetOutOfRange: self.init(.unknownServerError, "\(error)")
        }
    }

    /// What the log said of a producer's sequence.
    init(_ fault: ProducerFault) {
        switch fault {
        case .outOfOrder, .newEpochNotAtZero: self.init(.outOfOrderSequenceNumber, "\(fault)")
        case .epochTooOld: self.init(.invalidProducerEpoch, "\(fault)")
        }
    }

    /// What the check of a batch said. `range` is that of the times it may carry.
    init(_ error: RecordFormatError, range: ClosedRange<Timestamp>?) {
        switch error {
        case .crcMismatch:
            self.init(.corruptMessage, "the checksum of the batch is wrong")
        case .batchLengthTooSmall(let length):
            self.init(.corruptMessage, "a batch of \(length) bytes has no room for its header")
        case .magicNotSupported(let magic):
            self.init(.invalidRecord, "batches of magic 2 are taken, not of magic \(magic)")
        case .countsDisagree(let count, let delta):
            self.init(
                .invalidRecord,
                "the batch says that it has \(count) records, and that its last offset is \(delta)"
            )
        case .codecUnknown(let number):
            self.init(.unsupportedCompressionType, "there is no codec \(number)")
        case .decompressionFailed:
            self.init(.invalidRecord, "the records cannot be decompressed")
        case .decompressedTooLarge(let limit):
            self.init(
                .messageTooLarge,
                "the records of one batch may take \(limit.rawValue) bytes once decompressed"
            )
        case .bytesAfterLastRecord(let count):
            self.init(.invalidRecord, "\(count) bytes stand behind the last record")
        case .attributeNotAllowed(let attribute): self.init(attribute)
        case .recordMalformed(let index):
            self.init(.invalidRecord, "a record is malformed", record: index)
        case .offsetDeltaOutOfOrder(let index):
            self.init(.invalidRecord, "a record's offset is not its place", record: index)
        case .keyMissing(let index):
            self.init(
                .invalidRecord,
                "a compacted topic takes no record without key",
                record: index
            )
        case .timestampOutOfRange(let index, let time):
            self.init(.invalidTimestamp, Self.outside(time, range), record: index)
        case .offsetOutOfRange, .batchTooLarge, .maxTimestampWrong:
            self.init(.unknownServerError, "\(error)")
        }
    }

    private init(_ attribute: BatchAttribute) {
        switch attribute {
        case .control: self.init(.invalidRecord, "clients may not write control records")
        case .transactional:
            self.init(.unsupportedForMessageFormat, "transactions are not served yet")
        case .logAppendTime:
            self.init(.invalidTimestamp, "a producer may not set the type LogAppendTime")
        case .deleteHorizon:
            self.init(.invalidRecord, "a producer may not set a delete horizon")
        }
    }

    private static func outside(_ time: Timestamp, _ range: ClosedRange<Timestamp>?) -> String {
        guard let range else { return "timestamp \(time.rawValue) is out of range" }
        return "timestamp \(time.rawValue) lies outside of "
            + "\(range.lowerBound.rawValue)...\(range.upperBound.rawValue)"
    }
}

extension ProduceResponse.Partition {
    /// Says what became of one batch that the log has checked by itself. A duplicate is answered as
    /// the batch that is stored, with its time, whose clock that may be of: as with Kafka.
    mutating func take(_ outcome: BatchOutcome, logStart: Offset) {
        logStartOffset = logStart
        switch outcome {
        case .appended(let offset): baseOffset = offset
        case .duplicate(let offset, let time):
            baseOffset = offset
            logAppendTime = time
        case .refused(let fault): refuse(ProduceRefusal(fault))
        }
    }

    /// Says why, with the record that is to blame (KIP-467).
    mutating func refuse(_ refusal: ProduceRefusal) {
        errorCode = refusal.code
        errorMessage = refusal.message
        baseOffset = Offset(-1)
        logAppendTime = .none
        if let record = refusal.record {
            recordErrors = [ProduceResponse.RecordError(index: record, message: refusal.message)]
        }
    }
}
