import BrokerModel
import KafkaWire

// One connection's requests about producer ids.
extension KafkaConnectionHandler {
    func producers(
        _ api: KafkaAPI,
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        throw .unknownAPI(header.apiKey)
    }
}
