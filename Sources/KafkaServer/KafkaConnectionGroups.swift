import BrokerModel
import KafkaWire

// One connection's requests about groups and their members.
extension KafkaConnectionHandler {
    func group(
        _ api: KafkaAPI,
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        throw .unknownAPI(header.apiKey)
    }
}
