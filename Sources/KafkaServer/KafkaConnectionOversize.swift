import BrokerModel
import EventLoop
import KafkaWire
import Partitions

// A Produce that is larger than a request may be. A producer whose connection ends tries again for
// ever, so this one is read to its end, kept nowhere, and each of its partitions is told why.
extension KafkaConnectionHandler {
    /// Begins with the frame at the front of `input`, whose length was refused. Nil when it has
    /// been begun and `consumed` moved; else what the connection does meanwhile.
    func beginOversizedProduce(
        _ input: UnsafeRawBufferPointer,
        _ error: KafkaWireError,
        consumed: inout Int
    ) throws(KafkaWireError) -> ConnectionAction? {
        guard case .frameLength(let length) = error, length > 0,
            length <= KafkaServerLimits.skippedRequestBytesMax
        else { throw error }
        let frameBytes = KafkaFrame.lengthBytes + Int(length)
        let headBytes = min(frameBytes, ProduceSkip.pieceBytesMax)
        guard input.count - consumed >= headBytes else {
            return .readFrame(consumed: consumed, frameBytes: headBytes)
        }
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: input[consumed...]))
        reader.skip(KafkaFrame.lengthBytes)
        let header: KafkaRequestHeader
        let skip: ProduceSkip
        do throws(KafkaWireError) {
            header = try KafkaRequestHeader(reading: &reader)
            guard header.api == .produce else { throw error }
            skip = try ProduceSkip(
                reading: &reader,
                version: header.apiVersion,
                bytesLeft: frameBytes - reader.position
            )
        } catch _ {
            throw error  // Whatever else is wrong with it, it is too large.
        }
        // Without an answer the connection's end says it, as after any refusal.
        guard skip.acks != 0 else { throw error }
        guard let front = beginProduce(skip, header) else { return .pause(consumed: consumed) }
        frontProduce = front
        oversized = OversizedProduce(skip: skip, requestBytes: Int(length))
        consumed += reader.position
        return nil
    }

    /// Reads on in it. Nil when it has been answered, or its answer waits for those before it.
    func skipOversizedProduce(
        _ input: UnsafeRawBufferPointer,
        consumed: inout Int,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> ConnectionAction? {
        guard var oversized else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: input[consumed...])
        let taken = try oversized.skip.take(rest)
        consumed += taken
        guard oversized.skip.bytesLeft == 0 else {
            self.oversized = oversized
            guard taken < rest.count else { return .read(consumed: consumed) }
            let wanted = min(oversized.skip.bytesLeft, ProduceSkip.pieceBytesMax)
            return .readFrame(consumed: consumed, frameBytes: wanted)
        }
        self.oversized = nil
        guard let pending = frontProduce?.pending else {
            preconditionFailure("the answer's place was taken before the request was read")
        }
        refuse(oversized, pending)
        frontProduce = nil
        produces.append(pending)
        service.counters.requests.add()
        switch writeAnswers(&output) {
        case .answered: return nil
        case .waiting: preconditionFailure("an answer that must wait is in the ring")
        case .refused(let reason): return .close(consumed: consumed, reason)
        }
    }

    private func refuse(_ oversized: OversizedProduce, _ pending: PendingProduce) {
        let refusal = ProduceRefusal(
            .messageTooLarge,
            "the request has \(oversized.requestBytes) bytes, and socket.request.max.bytes is "
                + "\(service.settings.requestBytesMax.rawValue)"
        )
        let topics = oversized.skip.topics
        pending.response.topics = topics.map { topic in
            let partitions = topic.partitions.map { index in
                var answer = ProduceResponse.Partition(index: index)
                answer.refuse(refusal)
                return answer
            }
            return .init(name: topic.name, id: topic.id, partitions: partitions)
        }
        service.counters.batchesRefused.add(oversized.skip.partitionCount)
        if let first = topics.first {
            let known = service.produceTargets.topic(
                .init(name: first.name, id: first.id, partitions: []),
                version: pending.version
            )
            report(refusal, topic: known?.name.description ?? first.name)
        }
        pending.partitionsLeft &-= 1
        if pending.isComplete { service.produceLane.release(pending) }
    }
}

/// A Produce that is being read only to be refused.
struct OversizedProduce {
    var skip: ProduceSkip
    let requestBytes: Int
}
