import BrokerModel

/// How the memory ceiling is shared out, in sixteen parts. Each pool pushes back on its own when it
/// is full: `ingest` stops reading publishers, `produce` stops reading producers, `fetch` lets a
/// fetch wait, `network.input` stops reading a connection whose frame is incomplete,
/// `network.output` refuses deliveries at QoS 0, `deliveries` drops those at QoS 1.
struct MemoryPools {
    let ingest: MemoryPool
    /// What Kafka producers sent and the log has not answered for.
    let produce: MemoryPool
    let fetch: MemoryPool
    let mqttInput: MemoryPool
    let mqttOutput: MemoryPool
    /// Messages at QoS 1 that wait for MQTT subscribers.
    let deliveries: MemoryPool
    /// What MQTT sessions keep: subscriptions, wills, topic aliases.
    let sessions: MemoryPool
    /// What consumer groups keep: their members, and the offsets that they committed.
    let groups: MemoryPool
    let kafkaInput: MemoryPool
    let kafkaOutput: MemoryPool
    /// The storage loop has no sockets.
    let storage = MemoryPool(name: "storage", capacity: .zero)

    init(ceiling: ByteCount) {
        func pool(_ name: String, _ sixteenths: Int) -> MemoryPool {
            MemoryPool(name: name, capacity: ByteCount(ceiling.rawValue / 16 * sixteenths))
        }
        ingest = pool("ingest", 3)
        produce = pool("produce", 1)
        fetch = pool("fetch", 3)
        mqttInput = pool("mqtt.input", 2)
        mqttOutput = pool("mqtt.output", 2)
        deliveries = pool("mqtt.deliveries", 1)
        sessions = pool("mqtt.sessions", 1)
        groups = pool("kafka.groups", 1)
        kafkaInput = pool("kafka.input", 1)
        kafkaOutput = pool("kafka.output", 1)
    }

    var all: [MemoryPool] {
        [
            ingest, produce, fetch, mqttInput, mqttOutput, deliveries, sessions, groups,
            kafkaInput, kafkaOutput,
        ]
    }
}
