import BrokerModel
import CommitLog
import EventLoop
import KafkaSessions
import KafkaWire
import Partitions

// What one connection asks of the reader threads. Its frame stays unconsumed meanwhile, as with
// every other wait, and is shown again when the answer is there.
extension KafkaConnectionHandler {
    /// Has a whole Fetch read where waiting is allowed. False when the readers' queue is full.
    func readElsewhere(
        _ request: FetchRequest,
        _ front: FrontFetch,
        _ header: KafkaRequestHeader,
        room: ByteCount
    ) -> Bool {
        let answer = ReaderAnswer(connection: connection.id, holding: room)
        let pool = service.fetchMemory
        let identity = service.identity
        let catalog = service.catalog.snapshot
        let plan = front.context.plan(for: request)
        return submit(answer) {
            var pass = FetchPass(
                of: request,
                identity: identity,
                catalog: catalog,
                version: header.apiVersion,
                room: room,
                bringing: .oneBatch,
                access: .blocking
            )
            header.writeResponse(.fetch, to: &answer.frame) { pass.write(plan, to: &$0) }
            answer.pass = pass
            answer.failures = pass.failures
            answer.settle(with: pool)
        }
    }

    /// Lookups that the disk does not answer in time are told so, one by one; what is known without
    /// it is answered all the same.
    func listOffsets(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        let request = try ListOffsetsRequest(reading: &reader, version: version)
        let deadline = lookupDeadline ?? service.loop.now + Self.patience(of: request)
        switch readers {
        case .answered(let answer):
            (readers, lookupDeadline) = (.idle, nil)
            report(answer.failures)
            output.writeBytes(answer.frame.bytes)
            return .answered
        case .reading(let late), .overdue(let late):
            guard service.loop.now >= deadline else { return waitForLookup(until: deadline) }
            readers = .overdue(late)
            service.counters.lookupsTimedOut.add()
            answer(request, header, readsLog: false, &output)
            return .answered
        case .idle, .refused: break
        }
        let isLate = service.loop.now >= deadline
        guard request.needsLog, !isLate else {
            if isLate { service.counters.lookupsTimedOut.add() }
            answer(request, header, readsLog: !isLate, &output)
            return .answered
        }
        if !lookUp(request, header) {
            lookAgain(at: service.loop.now + KafkaServerLimits.readerRetryInterval)
        }
        return waitForLookup(until: deadline)
    }

    /// Newer clients say how long they wait; the others at least half a minute, as a rule.
    private static func patience(of request: ListOffsetsRequest) -> Duration {
        guard request.timeoutMilliseconds > 0 else { return KafkaServerLimits.lookupWaitMax }
        let asked = Duration.milliseconds(Int64(request.timeoutMilliseconds))
        return min(asked, KafkaServerLimits.lookupWaitMax)
    }

    private func waitForLookup(until deadline: MonotonicTime) -> Step {
        lookupDeadline = deadline
        lookAgain(at: deadline)
        return .waiting
    }

    private func answer(
        _ request: ListOffsetsRequest,
        _ header: KafkaRequestHeader,
        readsLog: Bool,
        _ output: inout ByteWriter
    ) {
        lookupDeadline = nil
        var answers = answers
        let version = header.apiVersion
        let response = answers.listOffsets(request, version: version, readsLog: readsLog)
        respond(to: header, .listOffsets, &output) { response.write(to: &$0, version: version) }
    }

    private func lookUp(_ request: ListOffsetsRequest, _ header: KafkaRequestHeader) -> Bool {
        let answer = ReaderAnswer(connection: connection.id)
        return submit(answer) { [answers] in
            var answers = answers
            let version = header.apiVersion
            let response = answers.listOffsets(request, version: version, readsLog: true)
            answer.failures = answers.failures
            header.writeResponse(.listOffsets, to: &answer.frame) {
                response.write(to: &$0, version: version)
            }
        }
    }

    /// The loop's side of an answer's return.
    func arrived(_ answer: ReaderAnswer) {
        switch readers {
        case .reading(let awaited) where awaited === answer: readers = .answered(answer)
        case .overdue(let awaited) where awaited === answer:
            readers = .idle
            report(answer.failures)
            service.fetchMemory.release(answer.takeHeld())
        case .idle, .refused, .reading, .overdue, .answered:
            preconditionFailure("a connection waits for one answer at a time")
        }
        lookAgain()
    }

    /// After the connection's end.
    func abandonReading() {
        switch readers {
        case .idle, .refused: break
        case .reading(let answer), .overdue(let answer): answer.abandon()
        case .answered(let answer): service.releaseFetchMemory(answer.takeHeld())
        }
        readers = .idle
    }

    private func submit(
        _ answer: ReaderAnswer,
        _ read: @escaping @Sendable () -> Void
    ) -> Bool {
        let isTaken = service.readers.submit { [mailbox = service.readerMailbox] in
            if !answer.isAbandoned { read() }
            mailbox.post(answer)
        }
        readers = isTaken ? .reading(answer) : .refused
        return isTaken
    }
}

extension ListOffsetsRequest {
    /// Whether a place has to be searched for: the log's ends are known without reading.
    fileprivate var needsLog: Bool {
        topics.contains { topic in
            topic.partitions.contains { ListOffsetsPlace.needsLog($0.timestamp) }
        }
    }
}

extension ListOffsetsPlace {
    static func needsLog(_ timestamp: Timestamp) -> Bool {
        timestamp == maxTimestamp || timestamp.rawValue >= 0
    }
}
