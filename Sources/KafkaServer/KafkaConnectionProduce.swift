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
        guard !service.isStopping else { return .waiting }
        guard frontProduce != nil || hasRoomForProduce(of: 1) else {
            waitsForProduces = .room
            return .waiting
        }
        let request = try ProduceRequest(reading: &reader, version: header.apiVersion)
        guard var front = frontProduce ?? begin(request, header) else {
            service.waitForProduceMemory(connection.id)
            return .waiting
        }
        guard take(request, &front) else {
            frontProduce = front
            service.counters.producesDeferred.add()
            lookAgain(at: service.loop.now + .nanoseconds(1))
            return .waiting
        }
        frontProduce = nil
        produces.append(front.pending)
        service.watchProduces()
        return writeAnswers(&output)
    }

    /// The place of a request that is read only to be refused. Nil when it has to wait for it.
    func beginProduce(_ skip: ProduceSkip, _ header: KafkaRequestHeader) -> FrontProduce? {
        guard !service.isStopping else { return nil }
        guard hasRoomForProduce(of: 1) else {
            waitsForProduces = .room
            return nil
        }
        let request = ProduceRequest(
            acks: skip.acks,
            timeoutMilliseconds: skip.timeoutMilliseconds,
            topics: []
        )
        guard let front = begin(request, header) else {
            service.waitForProduceMemory(connection.id)
            return nil
        }
        return front
    }

    /// Nil when there is no memory for the request.
    private func begin(_ request: ProduceRequest, _ header: KafkaRequestHeader) -> FrontProduce? {
        let size = Self.memoryCost(of: request)
        guard service.produceLane.memory.reserve(size) else { return nil }
        let pending = service.produceLane.makeRequest()
        let patience = Duration.milliseconds(Int64(max(0, request.timeoutMilliseconds)))
        let deadline = service.loop.now + max(patience, KafkaServerLimits.produceWaitMin)
        pending.begin(header, acks: request.acks, until: deadline, of: self)
        pending.held = size
        produceBytesInFlight += size
        pending.response.topics.reserveCapacity(request.topics.count)
        service.counters.produces.add()
        return FrontProduce(pending: pending)
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

    /// Checks the request's batches and hands them on. False when it has had its share of this
    /// iteration: then it goes on, where it stands, in the next.
    private func take(_ request: ProduceRequest, _ front: inout FrontProduce) -> Bool {
        let pending = front.pending
        while front.topic < request.topics.count {
            let wanted = request.topics[front.topic]
            if pending.response.topics.count == front.topic {
                pending.response.topics.append(
                    .init(name: wanted.name, id: wanted.id, partitions: [])
                )
            }
            while front.partition < wanted.partitions.count {
                guard mayCheckMore() else { return false }
                take(wanted.partitions[front.partition], of: wanted, request.acks, &front)
                front.partition += 1
            }
            front.topic += 1
            front.partition = 0
        }
        pending.partitionsLeft &-= 1
        if pending.isComplete { service.produceLane.release(pending) }
        // One line a request, however many batches it brings.
        if let refused = front.refused { report(refused.refusal, topic: refused.topic) }
        return true
    }

    private func take(
        _ partition: ProduceRequest.Partition,
        of wanted: ProduceRequest.Topic,
        _ acks: Int16,
        _ front: inout FrontProduce
    ) {
        let pending = front.pending
        let topic = service.produceTargets.topic(wanted, version: pending.version)
        var answer = ProduceResponse.Partition(index: partition.index)
        do throws(ProduceRefusal) {
            guard (-1...1).contains(acks) else {
                throw ProduceRefusal(.invalidRequiredAcks, "acks is -1, 0 or 1")
            }
            let target = try Self.target(partition.index, of: topic, pending.version)
            let batch = try service.check(
                partition.records,
                for: target.topic,
                version: pending.version
            )
            hold(batch.bytes.count - (partition.records?.count ?? 0), for: pending)
            if case .append(let time) = batch.stamp { answer.logAppendTime = time }
            pending.response.topics[front.topic].partitions.append(answer)
            service.produceLane.append(
                batch,
                to: target.partition,
                for: pending,
                topic: front.topic,
                index: front.partition
            )
        } catch {
            answer.refuse(error)
            service.counters.batchesRefused.add()
            let name = topic?.name.description ?? wanted.name
            front.refused = front.refused ?? (name, error)
            pending.response.topics[front.topic].partitions.append(answer)
        }
    }

    /// A batch that its topic stores with another codec may have grown.
    private func hold(_ growth: Int, for pending: PendingProduce) {
        guard growth > 0 else { return }
        service.produceLane.memory.overdraw(ByteCount(growth))
        pending.held += ByteCount(growth)
        produceBytesInFlight += ByteCount(growth)
    }

    /// A small batch may be a very large one once it is decompressed, so it is by that that a
    /// connection's share of an iteration is measured. The first batch always comes.
    private func mayCheckMore() -> Bool {
        let total = service.bytesDecompressed
        if lastCheck.turn != service.loop.now { lastCheck = (service.loop.now, total) }
        return total - lastCheck.bytesBefore < KafkaServerLimits.decompressedPerTurnMax
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

    func report(_ refusal: ProduceRefusal, topic: String) {
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

    /// Answers those that have waited for the log for longer than their producer wanted.
    func timeOutProduces() {
        var count = 0
        for request in produces.pending where request.timeOut(at: service.loop.now) { count += 1 }
        guard count > 0 else { return }
        service.counters.producesTimedOut.add(count)
        producesAnswered()
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
    func writeAnswers(_ output: inout ByteWriter) -> Step {
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
            if request.partitionsLeft > 0 {
                request.isAnswered = true  // The log still has to do with it.
            } else {
                service.produceLane.recycle(request)
            }
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
        if let pending = frontProduce?.pending {
            frontProduce = nil
            pending.handler = nil
            pending.partitionsLeft &-= 1
            if pending.isComplete {
                service.produceLane.release(pending)
                service.produceLane.recycle(pending)
            }
        }
        triesToWrite = false
    }
}

extension KafkaConnectionHandler {
    /// The Produce at the front of the input, as far as it has been read.
    struct FrontProduce {
        let pending: PendingProduce
        var topic = 0
        var partition = 0
        /// The first refusal.
        var refused: (topic: String, refusal: ProduceRefusal)?
    }

    /// What the request at the front of the input waits for.
    enum ProduceWait {
        case nothing
        /// It is of another kind: answers leave in the order of the requests.
        case allAnswered
        /// It is a Produce, and as many as may be are on their way.
        case room
    }
}
