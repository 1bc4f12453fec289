import BrokerModel
import KafkaWire

// One connection's questions after the ends of leader epochs.
extension KafkaConnectionHandler {
    func offsetForLeaderEpoch(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        throw .unknownAPI(header.apiKey)
    }
}
