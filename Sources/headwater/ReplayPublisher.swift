import BrokerModel
import MQTTWire
import Posix

/// Publishes without waiting for each acknowledgement: as many as the broker's Receive Maximum
/// allows are on their way at a time.
struct ReplayPublisher {
    private static let sendBytes = 64 << 10
    private static let windowMax = 4_096

    private let client: MQTTClient
    private let qos: QualityOfService
    private let window: Int
    private var inFlight: Set<UInt16> = []
    private var lastIdentifier: UInt16 = 0
    private(set) var published = 0
    private(set) var acknowledged = 0
    /// Answered with a failure, and the last of those answers.
    private(set) var refused = 0
    private(set) var refusal: ReasonCode?

    init(_ client: MQTTClient, qos: QualityOfService) {
        self.client = client
        self.qos = qos
        window = min(client.receiveMaximum, Self.windowMax)
    }

    /// Publishes one message. It leaves with the next `send`, or once enough has come together.
    mutating func publish(
        _ topic: String,
        _ payload: String,
        _ properties: Properties
    ) throws(MQTTClientError) {
        if qos == .atLeastOnce {
            while inFlight.count >= window {
                try client.send()
                try takeAcknowledgements(mayWait: true)
            }
            repeat {
                lastIdentifier = lastIdentifier == .max ? 1 : lastIdentifier + 1
            } while inFlight
                .contains(lastIdentifier)
            inFlight.insert(lastIdentifier)
        }
        client.write(
            topic,
            payload,
            qos: qos,
            packetIdentifier: qos == .atMostOnce ? 0 : lastIdentifier,
            properties
        )
        published += 1
        if client.unsentBytes >= Self.sendBytes { try send() }
    }

    func send() throws(MQTTClientError) { try client.send() }

    /// Looks for acknowledgements without waiting for any.
    mutating func settle() throws(MQTTClientError) {
        if !inFlight.isEmpty { try takeAcknowledgements(mayWait: false) }
    }

    /// Returns once everything is acknowledged; at QoS 0 once the broker has read it.
    mutating func finish() throws(MQTTClientError) {
        try client.send()
        while !inFlight.isEmpty { try takeAcknowledgements(mayWait: true) }
        if qos == .atMostOnce { try client.ping() }
        try client.disconnect()
    }

    private mutating func takeAcknowledgements(mayWait: Bool) throws(MQTTClientError) {
        for reply in try client.pubacks(mayWait: mayWait) {
            guard inFlight.remove(reply.packetIdentifier) != nil else { continue }
            if reply.reasonCode.rawValue < 0x80 {
                acknowledged += 1
            } else {
                refused += 1
                refusal = reply.reasonCode
            }
        }
    }
}
