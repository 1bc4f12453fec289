import BrokerModel
import MQTTWire
import Posix

/// What a run of an MQTT load does.
struct LoadPlan {
    var address: SocketAddress
    var version = ProtocolVersion.v311
    var topicPrefix: String
    var publishers = 1
    var window = 64
    var payloadBytes = 100
    var qos = QualityOfService.atLeastOnce
    /// Each publisher's messages, or nil: as many as the time allows.
    var messages: Int?
    var seconds: Double?
    /// Messages a second over all publishers; nil for as fast as the answers come.
    var rate: Double?
    var subscribers = 0
    var subscriberQoS = QualityOfService.atMostOnce
    /// A run in which nothing comes for so long has stalled.
    var patience = 10.0
    var runName: String

    func topic(of publisher: Int) -> String {
        "\(topicPrefix)/\(runName)/d\(PayloadPattern.deviceBase + publisher)"
    }

    var filter: String { "\(topicPrefix)/\(runName)/#" }
}

/// What a run counted. All but the first three are faults.
struct LoadCounts: Codable {
    var sent = 0
    var acknowledged = 0
    var delivered = 0
    /// Acknowledgements for an identifier that was not in flight, or of the wrong kind for it.
    var wrongAcknowledgements = 0
    /// Acknowledgements that overtook an older one (MQTT 5, 4.6.0).
    var disorderedAcknowledgements = 0
    var refusedMessages = 0
    var unexpectedPackets = 0
    var lostConnections = 0
    /// Deliveries whose contents are not what was sent.
    var corrupt = 0
    var duplicates = 0
    var disorderedDeliveries = 0
    /// Messages that a subscriber never got: a fault unless one side was at QoS 0.
    var lost = 0
}

extension LoadCounts {
    mutating func add(_ other: LoadCounts) {
        acknowledged += other.acknowledged
        wrongAcknowledgements += other.wrongAcknowledgements
        disorderedAcknowledgements += other.disorderedAcknowledgements
        refusedMessages += other.refusedMessages
        unexpectedPackets += other.unexpectedPackets
    }

    /// Everything that no broker may do, in words. `lossIsAllowed` where one side was at QoS 0.
    func faults(lossIsAllowed: Bool) -> [String] {
        [
            (wrongAcknowledgements, "acknowledgements of nothing that was in flight"),
            (disorderedAcknowledgements, "acknowledgements out of order"),
            (refusedMessages, "messages refused"),
            (unexpectedPackets, "packets that nobody asked for"),
            (lostConnections, "connections lost"),
            (corrupt, "deliveries that are not what was sent"),
            (duplicates, "deliveries twice"),
            (disorderedDeliveries, "deliveries out of order"),
            (lossIsAllowed ? 0 : lost, "acknowledged messages not delivered"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    }
}
