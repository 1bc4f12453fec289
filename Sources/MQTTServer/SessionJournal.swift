import BrokerModel
import CommitLog
import Ingest
import MQTTSessions
import MQTTWire
import Partitions

/// Writes to `__mqtt_sessions` what must outlive the broker: sessions, releases of QoS 2 messages,
/// and where receipts stand in the data.
///
/// Everything goes through the lane, so it shares the data's group commit. One order matters: a new
/// session's record, and the place of a partition's first receipt, must be durable before the data
/// that carries the receipts is written at all: a power cut may keep what was written last and lose
/// what came before, and a receipt without its session would let a repetition be stored twice. So
/// those batches, and no others, wait for one commit more.
final class SessionJournal {
    /// Owns the tokens of its own records; no connection has this number.
    static let connection = UInt64.max
    private static let releaseRecordBytesMax = 64 << 10
    private static let outstandingPerRecord = 4_096
    /// A snapshot of all sessions is due after this, or after some times its own size.
    private static let snapshotAfterMin = 4 << 20
    private static let snapshotAfterTimes = 2
    /// At a start no more than this must be read again of a partition, and what one tick brings.
    private static let receiptDistanceMax: Int64 = 500_000
    private static let checkpointInterval = Duration.seconds(30)

    /// Why nothing can be promised over a restart any more.
    private(set) var failure: CommitLogError?
    private let lane: IngestLane
    private let partition: PartitionHandle
    private let reader: PartitionReader
    private let catalog: TopicCatalog
    private var key = ByteWriter()
    private var value = ByteWriter()

    private var releases = ReleaseWriter()
    /// Whom the open release record concerns.
    private var releasing: [AckToken] = []
    /// The records on their way, oldest first, from `sentFirst` on: a snapshot sends one a session.
    private var sent: [Sent] = []
    private var sentFirst = 0
    private var spare: [AckToken] = []
    /// How many of them must be durable before any receipt is written.
    private var precedents = 0

    fileprivate var places: [PartitionHandle: WatchedPlace] = [:]
    private var checkpointNumber: UInt64
    private var checkpointTime: MonotonicTime
    /// The start could not read all that its places name: no checkpoint replaces them, until so
    /// much has come that a snapshot is due.
    private var waitsForRepair = false
    private var bytesSinceSnapshot = 0
    private var snapshotBytes = 0

    private struct Sent {
        /// Whom it concerns.
        var tokens: [AckToken] = []
        var precedesReceipts = false
        /// What lies before this is needed no more, since a snapshot closes with the record.
        var snapshotStart: Offset?
    }

    /// A partition that may hold receipts which only its records tell of.
    fileprivate struct WatchedPlace {
        let topicID: UUIDBytes
        let number: Int32
        let reader: PartitionReader
        var since: Offset
        /// Whether receipts came since the last checkpoint.
        var isUsed = false
        /// Of the batches on their way, oldest first: where each lies at the earliest, and its
        /// first receipt.
        var inFlight: [(offset: Offset, firstReceipt: UInt64)] = []
    }

    init(
        lane: IngestLane,
        partition: PartitionEntry,
        catalog: TopicCatalog,
        checkpointNumber: UInt64,
        now: MonotonicTime
    ) {
        self.lane = lane
        self.partition = partition.handle
        reader = partition.reader
        self.catalog = catalog
        self.checkpointNumber = checkpointNumber
        checkpointTime = now
    }

    // MARK: Records

    /// Writes a record down; its batch leaves with the burst, or when receipts wait for it.
    func write(
        _ record: SessionJournalRecord,
        precedesReceipts: Bool = false,
        closingSnapshotFrom snapshotStart: Offset? = nil,
        at time: Timestamp
    ) {
        let hasValue = record.write(key: &key, value: &value)
        let sending = Sent(precedesReceipts: precedesReceipts, snapshotStart: snapshotStart)
        append(key.bytes, hasValue ? value.bytes : nil, at: time, sending)
    }

    /// A client has released a message; the token is settled once that is durable.
    func release(
        _ receipt: OutstandingReceipt,
        of client: UnsafeRawBufferPointer,
        token: AckToken,
        at time: Timestamp
    ) {
        let isSameClient = releasing.last?.connection == token.connection
        releases.add(receipt, of: client, isSameClient: isSameClient)
        releasing.append(token)
        if releases.value.count >= Self.releaseRecordBytesMax { writeReleases(at: time) }
    }

    /// All releases of a burst are one record.
    func writeReleases(at time: Timestamp) {
        guard !releases.isEmpty else { return }
        let tokens = releasing
        releasing = spare
        spare = []
        let sending = Sent(tokens: tokens)
        ReleaseWriter.key.withUnsafeBytes { append($0, releases.value, at: time, sending) }
        releases.removeAll()
    }

    private func append(
        _ key: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer?,
        at time: Timestamp,
        _ sending: Sent
    ) {
        bytesSinceSnapshot += key.count + (value?.count ?? 0)
        let token = AckToken(connection: Self.connection, ticket: 0, bytes: 0)
        guard lane.append(to: partition, key: key, value: value, at: time, token: token) else {
            // Larger than a segment: a session that asks for so much can't be kept.
            failure =
                failure ?? .unusable(path: SessionJournalRecord.topic, why: "record too large")
            return
        }
        sent.append(sending)
        if sending.precedesReceipts { precedents += 1 }
    }

    /// The oldest record on its way was answered. Returns whom it concerned.
    func settled(_ error: CommitLogError?) -> [AckToken] {
        if let error { failure = failure ?? error }
        guard sentFirst < sent.count else { return [] }
        let settled = sent[sentFirst]
        sentFirst += 1
        if 2 * sentFirst >= sent.count {
            sent.removeFirst(sentFirst)
            sentFirst = 0
        }
        if settled.precedesReceipts {
            precedents -= 1
            if precedents == 0 { lane.releaseHeld() }
        }
        if error == nil, let start = settled.snapshotStart {
            lane.deleteSegments(of: partition, before: start)
        }
        return settled.tokens
    }

    /// Takes an array back for its memory.
    func recycle(_ tokens: [AckToken]) {
        guard tokens.capacity > spare.capacity else { return }
        spare = tokens
        spare.removeAll(keepingCapacity: true)
    }
}

// Where receipts stand in the data.
extension SessionJournal {
    /// A batch with receipts is about to leave. False when it must wait for a record of ours.
    func receiptsLeaving(_ receipts: LeavingReceipts, at time: Timestamp) -> Bool {
        let (handle, firstReceipt) = (receipts.partition, receipts.firstReceipt)
        if places[handle] == nil, let place = find(receipts) {
            places[handle] = place
            let record = place.place(offset: place.since, firstReceipt: firstReceipt)
            write(.place(record), precedesReceipts: true, at: time)
        }
        if let offset = places[handle]?.reader.highWatermark {
            places[handle]?.inFlight.append((offset, firstReceipt))
            places[handle]?.isUsed = true
        }
        guard precedents > 0 else { return true }
        lane.send(to: partition)
        return false
    }

    /// The oldest such batch of the partition was answered.
    func receiptsSettled(_ handle: PartitionHandle) {
        guard places[handle]?.inFlight.isEmpty == false else { return }
        places[handle]?.inFlight.removeFirst()
    }

    /// Nil when its topic is gone, and with it all that a start could ask of it.
    private func find(_ receipts: LeavingReceipts) -> WatchedPlace? {
        guard let topicID = receipts.topicID,
            let entry = catalog.snapshot.topic(id: topicID)?.partition(receipts.number),
            entry.handle == receipts.partition
        else { return nil }
        return WatchedPlace(
            topicID: topicID,
            number: receipts.number,
            reader: entry.reader,
            since: entry.reader.highWatermark
        )
    }
}

// Checkpoints: what a start needs to know of the data before them.
extension SessionJournal {
    /// Leaves everything as it is for the next start, which may read more.
    func waitForRepair() { waitsForRepair = true }

    /// Asked about once a second.
    func isCheckpointDue(at now: MonotonicTime) -> Bool {
        guard !places.isEmpty, !waitsForRepair else { return isSnapshotDue }
        if now - checkpointTime >= Self.checkpointInterval { return true }
        return places.values.contains {
            $0.reader.highWatermark.rawValue - $0.since.rawValue > Self.receiptDistanceMax
        }
    }

    var isSnapshotDue: Bool {
        bytesSinceSnapshot > max(Self.snapshotAfterMin, Self.snapshotAfterTimes * snapshotBytes)
    }

    /// Whether a last checkpoint saves the next start from looking into the data.
    var wantsLastCheckpoint: Bool { !places.isEmpty && !waitsForRepair }

    /// `directory` tells the sessions and their receipts. `withSessions` makes it a snapshot that
    /// needs nothing older.
    func checkpoint(
        of directory: borrowing SessionDirectory,
        withSessions: Bool,
        now: MonotonicTime,
        at time: Timestamp
    ) {
        // What is released has left its session's table: it must stand before the checkpoint.
        writeReleases(at: time)
        if withSessions { bytesSinceSnapshot = 0 }
        waitsForRepair = false
        checkpointNumber &+= 1
        checkpointTime = now
        let number = checkpointNumber
        // Whatever of it is written next lies there or behind.
        let start = reader.highWatermark
        directory.forEachKept { handle in
            if withSessions, let session = directory.kept(handle, now: now, wallClock: time) {
                write(.session(session), at: time)
            }
            var rest = directory.outstandingReceipts(of: handle)[...]
            while !rest.isEmpty {
                let part = Array(rest.prefix(Self.outstandingPerRecord))
                let client = directory.clientIdentifier(of: handle)
                write(.outstanding(checkpoint: number, client: client, part), at: time)
                rest = rest.dropFirst(part.count)
            }
        }
        // A partition that is in use stays known, so that its next receipts need not wait.
        places = places.filter { $0.value.isUsed || !$0.value.inFlight.isEmpty }
        var rest: [ReceiptPlace] = []
        for handle in places.keys {
            guard let place = places[handle]?.passCheckpoint() else { continue }
            rest.append(place)
        }
        let record = ReceiptCheckpoint(
            number: number,
            lastReceipt: directory.lastReceiptNumber,
            hasAllSessions: withSessions,
            places: rest
        )
        let closes = withSessions ? start : nil
        write(.checkpoint(record), closingSnapshotFrom: closes, at: time)
        if withSessions { snapshotBytes = bytesSinceSnapshot }
        lane.send(to: partition)
    }
}

extension SessionJournal.WatchedPlace {
    func place(offset: Offset, firstReceipt: UInt64) -> ReceiptPlace {
        ReceiptPlace(
            topicID: topicID,
            partition: number,
            offset: offset,
            firstReceipt: firstReceipt
        )
    }

    /// From where on receipts are known by their records alone: the oldest batch on its way, or, as
    /// none is, all that will come.
    mutating func passCheckpoint() -> ReceiptPlace {
        isUsed = false
        guard let oldest = inFlight.first else {
            since = reader.highWatermark
            return place(offset: since, firstReceipt: 0)
        }
        since = oldest.offset
        return place(offset: oldest.offset, firstReceipt: oldest.firstReceipt)
    }
}
