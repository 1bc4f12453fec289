import BrokerModel
import CommitLog
import EventLoop
import KafkaWire
import Partitions

// One connection's Produce requests: many on their way to the log, answered in order.
extension KafkaConnectionHandler {
    func produce(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        guard hasRoomForProduce(of: 1) else {
            waitsForProduces = .room
            return .waiting
        }
        let request = try ProduceRequest(reading: &reader, version: header.apiVersion)
        let size = Self.memoryCost(of: request)
        guard service.produceLane.memory.reserve(size) else {
            service.waitForProduceMemory(connection.id)
            return .waiting
        }
        let pending = service.produceLane.makeRequest()
        pending.begin(header, acks: request.acks, of: self)
        pending.held = size
        produceBytesInFlight += size
        take(request, into: pending)
        if pending.isComplete { service.produceLane.release(pending) }
        produces.append(pending)
        service.counters.produces.add()
        return writeAnswers(&output)
    }

    /// Whether another request may be on its way beside those that are. Who had to wait goes on
    /// once half of the room is free, so that its requests come in bursts again.
    private func hasRoomForProduce(of share: Int) -> Bool {
        produces.isEmpty
            || produces.count < KafkaServerLimits.producesInFlightMax / share
                && produceBytesInFlight.rawValue < service.produceBytesInFlightMax / share
    }

    private static func memoryCost(of request: ProduceRequest) -> ByteCount {
        var size = KafkaServerLimits.produceOverhead
        for topic in request.topics {
            for partition in topic.partitions {
                size &+= KafkaServerLimits.produceOverhead &+ (partition.records?.count ?? 0)
            }
        }
        return ByteCount(size)
    }

    private func take(_ request: ProduceRequest, into pending: PendingProduce) {
        let isKnownAcks = (-1...1).contains(request.acks)
        var refused: (topic: String, refusal: ProduceRefusal)?
        pending.response.topics.reserveCapacity(request.topics.count)
        for (topicIndex, wanted) in request.topics.enumerated() {
            let topic = service.produceTargets.topic(wanted, version: pending.version)
            pending.response.topics.append(.init(name: wanted.name, id: wanted.id, partitions: []))
            for (index, partition) in wanted.partitions.enumerated() {
                var answer = ProduceResponse.Partition(index: partition.index)
                do throws(ProduceRefusal) {
                    guard isKnownAcks else {
                        throw ProduceRefusal(.invalidRequiredAcks, "acks is -1, 0 or 1")
                    }
                    let target = try Self.target(partition.index, of: topic, pending.version)
                    let batch = try service.check(
                        partition.records,
                        for: target.topic,
                        version: pending.version
                    )
                    if case .append(let time) = batch.stamp { answer.logAppendTime = time }
                    pending.response.topics[topicIndex].partitions.append(answer)
                    service.produceLane.append(
                        batch,
                        to: target.partition,
                        for: pending,
                        topic: topicIndex,
                        index: index
                    )
                } catch {
                    answer.refuse(error)
                    service.counters.batchesRefused.add()
                    let name = topic?.name.description ?? wanted.name
                    refused = refused ?? (name, error)
                    pending.response.topics[topicIndex].partitions.append(answer)
                }
            }
        }
        // One line a request, however many batches it brings.
        if let refused { report(refused.refusal, topic: refused.topic) }
    }

    private static func target(
        _ index: Int32,
        of topic: TopicEntry?,
        _ version: Int16
    ) throws(ProduceRefusal) -> (topic: TopicEntry, partition: PartitionEntry) {
        guard let topic else {
            guard version >= 13 else {
                throw ProduceRefusal(.unknownTopicOrPartition, "there is no such topic")
            }
            throw ProduceRefusal(.unknownTopicID, "no topic has this id")
        }
        guard !topic.isInternal else {
            throw ProduceRefusal(
                .invalidTopic,
                "only the broker itself writes topics that begin with '__'"
            )
        }
        guard let partition = topic.partition(index) else {
            let exists = index >= 0 && Int(index) < topic.partitions.count
            throw exists
                ? ProduceRefusal(.kafkaStorageError, "the partition's files could not be opened")
                : ProduceRefusal(.unknownTopicOrPartition, "there is no such partition")
        }
        return (topic, partition)
    }

    private func report(_ refusal: ProduceRefusal, topic: String) {
        service.report(
            .batchRefused(
                peer: connection.peer,
                client: client,
                topic: bounded(topic),
                refusal.code,
                refusal.message
            )
        )
    }

    // MARK: Answers

    /// The log has answered for at least one request.
    func producesAnswered() {
        hasAnsweredProduces = false
        guard connection.isOpen else { return }
        let count = produces.completeCount
        guard count > 0 else { return }
        let written = connection.write { output in
            for request in produces.pending.prefix(count) where request.wantsAnswer {
                request.write(to: &output)
            }
        }
        guard written else { return writeLater() }
        if let reason = finish(count) { return connection.close(reason) }
        lookAgainAfterProduces()
    }

    /// There is no room for output now. An answer is never dropped, so it is tried again.
    private func writeLater() {
        guard !triesToWrite else { return }
        triesToWrite = true
        let time = service.loop.now + KafkaServerLimits.answerRetryInterval
        service.loop.schedule(at: time) { [weak self] in self?.tryToWrite() }
    }

    func tryToWrite() {
        guard triesToWrite else { return }
        triesToWrite = false
        producesAnswered()
    }

    /// Writes those answers that nothing has to be waited for.
    private func writeAnswers(_ output: inout ByteWriter) -> Step {
        let count = produces.completeCount
        guard count > 0, !triesToWrite else { return .answered }
        for request in produces.pending.prefix(count) where request.wantsAnswer {
            request.write(to: &output)
        }
        guard let reason = finish(count) else { return .answered }
        return .refused(reason)
    }

    /// Forgets the first requests, which have been answered. Who asked for no answer learns of an
    /// error by the connection's end, as with Kafka.
    private func finish(_ count: Int) -> CloseReason? {
        var reason: CloseReason?
        for request in produces.pending.prefix(count) {
            if !request.wantsAnswer, let failure = request.failure {
                reason = .refused("\(failure.errorCode): \(failure.errorMessage ?? "")")
            }
            service.produceLane.recycle(request)
        }
        produces.removeFirst(count)
        return reason
    }

    /// Goes on with the request that had to wait for those before it.
    private func lookAgainAfterProduces() {
        let mayGoOn =
            switch waitsForProduces {
            case .nothing: false
            case .allAnswered: produces.isEmpty
            case .room: hasRoomForProduce(of: 2)
            }
        guard mayGoOn else { return }
        waitsForProduces = .nothing
        lookAgain()
    }

    /// The connection is gone: what is on its way is stored, and nobody is told.
    func forgetProduces() {
        for request in produces.pending { request.handler = nil }
        produces.removeAll()
        triesToWrite = false
    }
}

extension KafkaConnectionHandler {
    /// What the request at the front of the input waits for.
    enum ProduceWait {
        case nothing
        /// It is of another kind: answers leave in the order of the requests.
        case allAnswered
        /// It is a Produce, and as many as may be are on their way.
        case room
    }
}
