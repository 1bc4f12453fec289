import BrokerModel
import KafkaWire

// One connection's requests about committed offsets.
extension KafkaConnectionHandler {
    func committedOffsets(
        _ api: KafkaAPI,
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        throw .unknownAPI(header.apiKey)
    }
}
