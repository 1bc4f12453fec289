import BrokerModel
import MQTTWire

/// Puts sessions and receipts together again after a start.
///
/// First `apply` hears every record of `__mqtt_sessions` in order, then `found` every receipt that
/// stands in the data behind `places`; `sessions` is the answer. A receipt counts when its session
/// lives, no release came, and no later receipt has its packet identifier.
package struct SessionRecovery {
    /// A receipt further than this above all others is no number of ours: whoever may write to a
    /// topic can forge a header, and must not be able to use the numbers up.
    private static let receiptLeapMax: UInt64 = 1 << 40

    /// More numbers than could be given between two starts.
    private static let receiptsUnseenMax: UInt64 = 1 << 32

    package struct Found: Equatable, Sendable {
        package var session: KeptSession
        /// By packet identifier.
        package var receipts: [UInt16: UInt64] = [:]
    }

    package private(set) var sessions: [Text: Found] = [:]
    /// Where receipts may stand in the data; a partition once.
    package var places: [ReceiptPlace] { placesByPartition.values.map(\.self) }
    package private(set) var lastReceipt: UInt64 = 0
    package private(set) var checkpointNumber: UInt64 = 0
    /// Records that could not be understood, and were passed over.
    package private(set) var unreadable = 0
    /// True while nothing came after a checkpoint that has all sessions.
    package private(set) var endsWithSnapshot = true

    private struct Place: Hashable {
        let topicID: UUIDBytes
        let partition: Int32
    }

    private var placesByPartition: [Place: ReceiptPlace] = [:]
    /// Since the last checkpoint: their data may stand behind a place.
    private var released: [Text: [UInt16: UInt64]] = [:]
    private var parts: [Text: [OutstandingReceipt]] = [:]
    private var partsNumber: UInt64 = 0

    package init() {}

    package mutating func apply(
        key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?
    ) {
        guard let key, let record = SessionJournalRecord(key: key, value: value) else {
            unreadable += 1
            return
        }
        endsWithSnapshot = false
        switch record {
        case .session(let session): keep(session)
        case .sessionEnded(let client): sessions[client] = nil
        case .releases(let releases):
            for release in releases { apply(release) }
        case .place(let place):
            let name = Place(topicID: place.topicID, partition: place.partition)
            // The first one since a checkpoint holds: receipts may stand from there on.
            if placesByPartition[name] == nil { placesByPartition[name] = place }
        case .outstanding(let number, let client, let receipts):
            if number != partsNumber { parts = [:] }
            partsNumber = number
            parts[client, default: []] += receipts
        case .checkpoint(let checkpoint): close(checkpoint)
        }
    }

    /// A record of the data carries this receipt.
    package mutating func found(
        client: UnsafeRawBufferPointer,
        packetIdentifier: UInt16,
        receipt: UInt64,
        in place: ReceiptPlace
    ) {
        guard receipt <= lastReceipt || receipt - lastReceipt <= Self.receiptLeapMax else {
            return
        }
        lastReceipt = max(lastReceipt, receipt)
        guard receipt >= place.firstReceipt else { return }
        let client = Text(client)
        guard let session = sessions[client], receipt >= session.session.firstReceipt,
            receipt > released[client]?[packetIdentifier] ?? 0,
            receipt > session.receipts[packetIdentifier] ?? 0
        else { return }
        sessions[client]?.receipts[packetIdentifier] = receipt
    }

    /// Receipts may stand where nobody could look: no number that they have may be given again.
    package mutating func leaveUnseenNumbers() { lastReceipt &+= Self.receiptsUnseenMax }

    private mutating func keep(_ session: KeptSession) {
        let client = session.clientIdentifier
        var found = sessions[client] ?? Found(session: session)
        if found.session.firstReceipt != session.firstReceipt {
            found.receipts = found.receipts.filter { $0.value >= session.firstReceipt }
        }
        found.session = session
        sessions[client] = found
        if session.firstReceipt > 0 { lastReceipt = max(lastReceipt, session.firstReceipt - 1) }
    }

    private mutating func apply(_ release: ReceiptRelease) {
        let (client, receipt) = (release.client, release.receipt)
        lastReceipt = max(lastReceipt, receipt.receipt)
        let earlier = released[client]?[receipt.packetIdentifier] ?? 0
        released[client, default: [:]][receipt.packetIdentifier] = max(earlier, receipt.receipt)
        guard let known = sessions[client]?.receipts[receipt.packetIdentifier],
            known <= receipt.receipt
        else { return }
        sessions[client]?.receipts[receipt.packetIdentifier] = nil
    }

    private mutating func close(_ checkpoint: ReceiptCheckpoint) {
        for client in sessions.keys { sessions[client]?.receipts = [:] }
        if partsNumber == checkpoint.number {
            for (client, receipts) in parts {
                for receipt in receipts {
                    sessions[client]?.receipts[receipt.packetIdentifier] = receipt.receipt
                }
            }
        }
        parts = [:]
        released = [:]
        placesByPartition = [:]
        for place in checkpoint.places {
            placesByPartition[Place(topicID: place.topicID, partition: place.partition)] = place
        }
        lastReceipt = max(lastReceipt, checkpoint.lastReceipt)
        checkpointNumber = checkpoint.number
        endsWithSnapshot = checkpoint.hasAllSessions && checkpoint.places.isEmpty
    }
}
