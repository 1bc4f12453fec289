import BrokerModel
import KafkaWire

// One connection's requests that change or describe the broker.
extension KafkaConnectionHandler {
    func administration(
        _ api: KafkaAPI,
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        throw .unknownAPI(header.apiKey)
    }
}
