import EventLoop
import KafkaServer
import Partitions
import Posix

/// Where the broker listens, and what it tells Kafka clients about it.
struct ListenerAddresses {
    let mqtt: SocketAddress
    let kafka: SocketAddress
    /// Nil when nothing is to be served over HTTP.
    let http: SocketAddress?
    private let advertisedText: String

    init(_ settings: BrokerSettings, insecure: Bool) throws {
        mqtt = try resolved(settings.mqttListener, flag: "mqtt.listener")
        kafka = try resolved(settings.kafkaListener, flag: "kafka.listener")
        http =
            settings.httpListener == "off"
            ? nil : try resolved(settings.httpListener, flag: "http.listener")
        advertisedText = settings.kafkaAdvertised
        var keys: [SocketAddress: String] = [:]
        var listeners = [("mqtt.listener", mqtt), ("kafka.listener", kafka)]
        if let http { listeners.append(("http.listener", http)) }
        for (key, address) in listeners {
            if let other = keys.updateValue(key, forKey: address), address.port != 0 {
                throw Failure.configuration(
                    "\(other) and \(key) are both \(address); give one of them another port"
                )
            }
            guard address.isLoopback || insecure else {
                throw Failure.refusedUnsafe(
                    "\(key) \(address) can be reached from other machines, and there is no "
                        + "authentication yet; listen on 127.0.0.1, or add --insecure on a network "
                        + "that you trust"
                )
            }
        }
        guard !kafka.isUnspecified || !advertisedText.isEmpty else {
            throw Failure.configuration(
                "kafka.listener \(kafka) is no address that clients can connect to; set "
                    + "kafka.advertised.listener to this machine's name or address and port"
            )
        }
    }

    /// What Metadata answers: the advertised listener, or else the address that was bound.
    func advertised(bound: SocketAddress) -> HostAndPort {
        HostAndPort(advertisedText) ?? HostAndPort(host: bound.host, port: bound.port)
    }

    static func failure(_ error: EventLoopError) -> Failure {
        switch error {
        case .addressInUse(let address):
            .portBusy(
                "\(address) is in use; stop the program that listens there, or choose another "
                    + "port with --mqtt, --kafka or --http"
            )
        case .addressNotOurs, .addressForbidden, .system:
            .configuration("\(error); choose another address with --mqtt or --kafka")
        }
    }
}

/// What a start tells whoever watches it.
struct Readiness {
    let bound: (mqtt: SocketAddress, kafka: SocketAddress)
    let http: HostAndPort?
    let advertised: HostAndPort
    let store: PartitionStore

    func announce(to log: BrokerLog) {
        let face = http.map { ["HTTP  listening on \($0)"] } ?? []
        let lines =
            [
                "MQTT  listening on \(bound.mqtt)",
                "Kafka listening on \(bound.kafka)",
                "Kafka advertised as \(advertised)",
            ] + face + ["data in \(store.path)", "ready"]
        try? StandardStream.output.write(lines.joined(separator: "\n") + "\n")
        log.info(
            "ready",
            [
                "mqtt": "\(bound.mqtt)", "kafka": "\(bound.kafka)",
                "http": http.map { "\($0)" } ?? "off", "data": "\(store.path)",
                "node": "\(store.identity.nodeID)", "cluster": "\(store.identity.clusterID)",
            ]
        )
    }
}
