import BrokerModel
import CommitLog
import MQTTSessions
import Partitions
import RecordFormat

/// Reads at a start what the log holds of sessions: `__mqtt_sessions`, and then the data from where
/// its last checkpoint leaves off. Runs before the loops do.
package struct SessionRestore: ~Copyable {
    /// What an operator should know of.
    package struct Report: Sendable {
        /// Of data records, to find receipts.
        package var recordsScanned = 0
        /// Records of `__mqtt_sessions` that could not be understood.
        package var unreadable = 0
        /// Partitions that could be read only in part; receipts in the rest are not known.
        package var damaged: [(partition: String, error: CommitLogError)] = []
        /// Some of those could not be read at all now, and may be at the next start: until then
        /// nothing must replace what tells of the receipts in them.
        package var isPartial = false
    }

    private static let readBytes = ByteCount.mebibytes(1)
    /// A batch that holds more than this was not built here.
    private static let batchBytesMax = ByteCount.mebibytes(128)
    private static let qosHeader = Array("mqtt.qos".utf8)
    private static let clientHeader = Array("mqtt.client".utf8)
    private static let receiptHeader = Array("mqtt.receipt".utf8)

    package private(set) var report = Report()
    private var recovery = SessionRecovery()
    private var bytes = ByteWriter()
    private var decompressor = RecordDecompressor()

    package init() {}

    /// `sessions` reads `__mqtt_sessions`.
    package mutating func run(
        _ sessions: PartitionReader,
        in topics: TopicCatalogSnapshot
    ) -> SessionRecovery {
        read(sessions, from: .zero, name: SessionJournalRecord.topic) { restore, record in
            restore.recovery.apply(key: record.key, value: record.value)
        }
        report.unreadable = recovery.unreadable
        // What is lost of the sessions themselves a new snapshot does not make worse.
        report.isPartial = false
        for place in recovery.places {
            // A topic that was deleted has no receipts.
            guard let topic = topics.topic(id: place.topicID) else { continue }
            let name = "\(topic.name)-\(place.partition)"
            guard let reader = topic.reader(place.partition) else {
                report.damaged.append((name, .unusable(path: name, why: "it is offline")))
                report.isPartial = true
                continue
            }
            read(reader, from: place.offset, name: name) { restore, record in
                restore.report.recordsScanned += 1
                restore.look(at: record, in: place)
            }
        }
        return recovery
    }

    private mutating func look(at record: RecordView, in place: ReceiptPlace) {
        // The broker writes these three first. What stands behind them a publisher may have chosen.
        var headers = record.headers
        guard let qos = headers.next(), qos.name.elementsEqual(Self.qosHeader),
            qos.value?.elementsEqual(CollectionOfOne(UInt8(ascii: "2"))) == true,
            let client = headers.next(), client.name.elementsEqual(Self.clientHeader),
            let identifier = client.value,
            let number = headers.next(), number.name.elementsEqual(Self.receiptHeader),
            let receipt = OutstandingReceipt(header: number.value)
        else { return }
        recovery.found(
            client: identifier,
            packetIdentifier: receipt.packetIdentifier,
            receipt: receipt.receipt,
            in: place
        )
    }

    /// Hands every record of a partition on, from `offset` or where the log begins by now.
    private mutating func read(
        _ reader: PartitionReader,
        from offset: Offset,
        name: String,
        _ body: (inout SessionRestore, RecordView) -> Void
    ) {
        var offset = max(offset, reader.logStartOffset)
        do throws(CommitLogError) {
            while offset < reader.highWatermark {
                bytes.removeAll()
                let result = try reader.read(
                    from: offset,
                    maxBytes: Self.readBytes,
                    minOneBatch: true,
                    into: &bytes
                )
                guard result.nextOffset > offset else { return }
                walk(from: offset, name: name, body)
                offset = result.nextOffset
            }
        } catch {
            report.damaged.append((name, error))
            report.isPartial = true
        }
    }

    private mutating func walk(
        from offset: Offset,
        name: String,
        _ body: (inout SessionRestore, RecordView) -> Void
    ) {
        let input = bytes.bytes
        var position = 0
        while position < input.count {
            let rest = UnsafeRawBufferPointer(rebasing: input[position...])
            do throws(RecordFormatError) {
                guard let batch = try RecordBatchView.first(in: rest) else { return }
                position += batch.sizeInBytes.rawValue
                // What a Kafka producer wrote holds no receipts, whatever its headers say.
                guard !batch.isControl, batch.producerID == -1 else { continue }
                try batch.check(from: .log)
                var cursor = try batch.records(
                    decompressor: &decompressor,
                    limit: Self.batchBytesMax
                )
                while let record = try cursor.next() {
                    if record.offset >= offset { body(&self, record) }
                }
            } catch {
                report.damaged.append(
                    (name, .unusable(path: name, why: "a batch cannot be read: \(error)"))
                )
                guard let size = RecordBatchView.claimedSize(in: rest), size > .zero else { return }
                position = max(position, input.count - rest.count + size.rawValue)
            }
        }
    }
}

extension OutstandingReceipt {
    /// Reads `mqtt.receipt`: packet identifier, colon, number.
    init?(header: UnsafeRawBufferPointer?) {
        guard let header, let colon = header.firstIndex(of: UInt8(ascii: ":")),
            let identifier = Self.number(header[..<colon]).flatMap(UInt16.init(exactly:)),
            let receipt = Self.number(header[(colon + 1)...]), identifier > 0, receipt > 0
        else { return nil }
        self.init(packetIdentifier: identifier, receipt: receipt)
    }

    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> UInt64? {
        guard (1...19).contains(digits.count) else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = 10 &* number &+ UInt64(digit &- UInt8(ascii: "0"))
        }
        return number
    }
}
