import BrokerModel
import CommitLog
import EventLoop
import Ingest
import MQTTSessions
import MQTTWire
import Partitions

// Sessions that outlive the broker.
extension MQTTServer {
    /// Takes over what the log holds of sessions, before the loop runs and before anybody listens.
    /// From here on sessions and receipts are written down. `isPartial` says that receipts may stand
    /// where the start could not read. Returns how many sessions found no room.
    @discardableResult
    package func keepSessions(
        in partition: PartitionEntry,
        of catalog: TopicCatalog,
        recovered: SessionRecovery,
        isPartial: Bool = false
    ) -> Int {
        let journal = SessionJournal(
            lane: lane,
            partition: partition,
            catalog: catalog,
            checkpointNumber: recovered.checkpointNumber,
            now: loop.now
        )
        self.journal = journal
        lane.receiptsLeaving = { [unowned self] in
            self.journal?.receiptsLeaving($0, at: loop.wallClock) ?? true
        }
        lane.receiptsSettled = { [unowned self] in self.journal?.receiptsSettled($0) }
        let refused = directory.restore(recovered, now: loop.now, wallClock: loop.wallClock)
        writeSessionChanges()
        // What is read at the next start begins here.
        if isPartial {
            journal.waitForRepair()
        } else if !recovered.endsWithSnapshot || directory.hasChanges {
            writeCheckpoint(withSessions: true)
        }
        return refused
    }

    /// Whether this client's QoS 2 promises can't be kept over a restart.
    func cannotKeep(_ connection: MQTTConnection) -> Bool {
        journal?.failure != nil && connection.session.isDurable
    }

    func writeSessionChanges() {
        guard directory.hasChanges else { return }
        let changes = directory.takeChanges()
        guard let journal, journal.failure == nil else { return }
        let now = loop.wallClock
        for change in changes {
            switch change {
            case .kept(let handle, let isNew):
                if let session = directory.kept(handle, now: loop.now, wallClock: now) {
                    journal.write(.session(session), precedesReceipts: isNew, at: now)
                }
            case .ended(let client): journal.write(.sessionEnded(client), at: now)
            }
        }
    }

    func writeCheckpointIfDue() {
        guard let journal, journal.failure == nil, journal.isCheckpointDue(at: loop.now) else {
            return
        }
        writeCheckpoint(withSessions: journal.isSnapshotDue)
    }

    func writeCheckpoint(withSessions: Bool) {
        journal?.checkpoint(
            of: directory,
            withSessions: withSessions,
            now: loop.now,
            at: loop.wallClock
        )
    }

    /// Writes down that a client has released what it published at QoS 2. False when that cannot
    /// be.
    func release(
        _ receipt: OutstandingReceipt,
        _ ticket: PublishTicket,
        of connection: MQTTConnection
    ) -> Bool {
        guard let journal, journal.failure == nil else { return false }
        connection.unstored += 1
        counters.releases.add()
        journal.release(
            receipt,
            of: connection.clientIdentifier,
            token: AckToken(connection: connection.id, ticket: ticket.rawValue, bytes: 0),
            at: loop.wallClock
        )
        return true
    }
}
