import BrokerModel
import CommitLog
import EventLoop
import KafkaWire
import Partitions

// What one connection asks of the reader threads. Its frame stays unconsumed meanwhile, as with
// every other wait, and is shown again when the answer is there.
extension KafkaConnectionHandler {
    /// Has a whole Fetch read where waiting is allowed. False when the readers' queue is full.
    func readElsewhere(
        _ request: FetchRequest,
        _ header: KafkaRequestHeader,
        room: ByteCount
    ) -> Bool {
        let answer = ReaderAnswer(connection: connection.id, holding: room)
        let pool = service.fetchMemory
        let identity = service.identity
        let catalog = service.catalog.snapshot
        return submit(answer) {
            var pass = FetchPass(
                identity: identity,
                catalog: catalog,
                version: header.apiVersion,
                isolationLevel: request.isolationLevel,
                room: room,
                bringing: .oneBatch,
                access: .blocking
            )
            header.writeResponse(.fetch, to: &answer.frame) { pass.write(request, to: &$0) }
            answer.pass = pass
            answer.failures = pass.failures
            answer.settle(with: pool)
        }
    }

    func listOffsets(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        let request = try ListOffsetsRequest(reading: &reader, version: version)
        switch readers {
        case .answered(let answer):
            readers = .idle
            report(answer.failures)
            output.writeBytes(answer.frame.bytes)
            return .answered
        case .reading, .overdue: return .waiting
        case .idle, .refused: break
        }
        var answers = answers
        guard request.needsLog else {
            let response = answers.listOffsets(request, version: version)
            respond(to: header, .listOffsets, &output) { response.write(to: &$0, version: version) }
            return .answered
        }
        let answer = ReaderAnswer(connection: connection.id)
        let isTaken = submit(answer) { [answers] in
            var answers = answers
            let response = answers.listOffsets(request, version: version)
            answer.failures = answers.failures
            header.writeResponse(.listOffsets, to: &answer.frame) {
                response.write(to: &$0, version: version)
            }
        }
        if !isTaken { lookAgain(at: service.loop.now + KafkaServerLimits.readerRetryInterval) }
        return .waiting
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
            topic.partitions.contains { wanted in
                wanted.timestamp == ListOffsetsPlace.maxTimestamp || wanted.timestamp.rawValue >= 0
            }
        }
    }
}
