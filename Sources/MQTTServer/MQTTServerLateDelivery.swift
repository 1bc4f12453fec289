import BrokerModel
import CommitLog
import EventLoop
import Ingest
import MQTTSessions
import MQTTWire

// What goes out to subscribers when the disk has it, because the message's route says so.
extension MQTTServer {
    func deliver(_ packet: PublishPacket, from publisher: SessionHandle?, _ live: LiveDelivery) {
        switch live {
        case .early: deliver(packet, from: publisher)
        case .afterSync(let ticket):
            guard !directory.subscriptions.isEmpty else { return }
            guard let held = directory.hold(packet, from: publisher, now: loop.now) else {
                return counters.queueDropped.add()
            }
            late[ticket] = held
        }
    }

    /// What failed is forgotten: its publisher was told, and publishes it again.
    func deliverLate(_ tickets: ArraySlice<LiveTicket>, _ error: CommitLogError?) {
        for ticket in tickets {
            guard let held = late.removeValue(forKey: ticket) else { continue }
            if error == nil {
                deliver(held.packet, from: directory.publisher(of: held), sharing: held)
            }
            directory.drop(held)
        }
    }
}
