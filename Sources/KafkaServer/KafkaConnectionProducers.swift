import BrokerModel
import EventLoop
import KafkaWire

// One connection's requests about producer ids.
extension KafkaConnectionHandler {
    func producers(
        _ api: KafkaAPI,
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        guard api == .describeProducers else {
            return try initProducerID(&reader, header, &output)
        }
        let request = try DescribeProducersRequest(reading: &reader, version: version)
        let response = answers.describeProducers(request)
        respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    private func initProducerID(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        let request = try InitProducerIDRequest(reading: &reader, version: version)
        guard let response = answer(to: request) else { return .waiting }
        respond(to: header, .initProducerID, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    /// Nil while the storage loop makes ids.
    private func answer(to request: InitProducerIDRequest) -> InitProducerIDResponse? {
        if let code = request.refusal {
            if let id = request.transactionalID, code == .transactionalIDAuthorizationFailed {
                service.report(
                    .transactionalIDRefused(peer: connection.peer, client: client, bounded(id))
                )
            }
            return .refused(code)
        }
        let wait = producerIDWait ?? ProducerIDWait(until: service.loop.now)
        producerIDWait = nil
        if let id = service.producerIDs.take(for: connection.id) {
            var response = InitProducerIDResponse()
            response.producerID = id
            return response
        }
        // Of the codes that clients try again after, the one that Kafka has for a lack of ids.
        guard !wait.hasFailed, service.loop.now < wait.deadline else {
            return .refused(.coordinatorLoadInProgress)
        }
        producerIDWait = wait
        lookAgain(at: wait.deadline)
        return nil
    }

    /// The storage loop has answered.
    func producerIDsArrived(_ hasIDs: Bool) {
        guard producerIDWait != nil else { return }
        if !hasIDs { producerIDWait?.hasFailed = true }
        lookAgain()
    }
}

/// The InitProducerId at the front of the input, while the storage loop makes ids.
struct ProducerIDWait {
    let deadline: MonotonicTime
    var hasFailed = false

    init(until now: MonotonicTime) { deadline = now + KafkaServerLimits.producerIDWaitMax }
}

extension InitProducerIDRequest {
    /// Why there is no id for it, when there is none. A producer without a transactional id gets a
    /// new one whatever it had before, as with Kafka: its epochs it raises by itself (KIP-360).
    ///
    /// A transactional id is refused with the one code after which all clients give up at once and
    /// name it: any other has librdkafka ask until its time is over.
    fileprivate var refusal: KafkaErrorCode? {
        guard (producerID < 0) == (producerEpoch < 0) else { return .invalidRequest }
        guard let transactionalID else { return nil }
        return transactionalID.isEmpty ? .invalidRequest : .transactionalIDAuthorizationFailed
    }
}

extension InitProducerIDResponse {
    fileprivate static func refused(_ code: KafkaErrorCode) -> InitProducerIDResponse {
        var response = InitProducerIDResponse()
        response.errorCode = code
        response.producerEpoch = -1
        return response
    }
}
