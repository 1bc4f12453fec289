import BrokerModel
import EventLoop
import KafkaSessions
import KafkaWire
import Partitions

/// One Kafka client: cuts its bytes into requests and answers them in order.
final class KafkaConnectionHandler: ConnectionHandler {
    /// What became of one request.
    enum Step {
        case answered
        /// It is looked at again: its frame stays where it is, and reading pauses.
        case waiting
        case refused(CloseReason)
    }

    /// The fetch at the front of the input, while it waits.
    struct FrontFetch {
        /// Decided when it came first, however often it is looked at.
        let context: FetchContext
        var deadline: MonotonicTime
        let memoryDeadline: MonotonicTime
        var hasWaitedForMemory = false
        var hasPolled = false
    }

    let connection: Connection
    let service: KafkaService
    private(set) var client = KafkaClientName()
    var frontFetch: FrontFetch?
    /// Record bytes in the last answer to a Fetch; unknown is much.
    var lastFetchBytes = Int.max
    /// Where the request at the front is, when a reader thread has to do with it.
    var readers = ReaderState.idle
    /// When the lookup at the front of the input is answered without the log.
    var lookupDeadline: MonotonicTime?
    private var timers: [TimerID] = []
    /// Of the fetch pool, for records that the peer has not taken yet.
    private var reserved = ByteCount.zero
    private var isUnsettled = false
    private var waitsForOutput = false
    private var lastWrite = MonotonicTime(nanoseconds: 0)
    private var isIntroduced = false
    /// When it last asked for something.
    private(set) var lastRequest: MonotonicTime

    // Produce
    var produces = ProduceRing()
    var frontProduce: FrontProduce?
    /// The one whose place that is, while a request above the limit is read and forgotten.
    var oversized: OversizedProduce?
    /// When batches were checked last, and what all connections had decompressed before that.
    var lastCheck = (turn: MonotonicTime(nanoseconds: 0), bytesBefore: 0)
    var produceBytesInFlight = ByteCount.zero
    var hasAnsweredProduces = false
    var waitsForProduces = ProduceWait.nothing
    /// Answers are complete, and there was no room for them in the output.
    var triesToWrite = false
    /// The request for a producer id at the front of the input, while ids are made.
    var producerIDWait: ProducerIDWait?
    /// The request about topics at the front of the input, while the log works on it.
    var frontTopics: FrontTopics?
    /// The deletion of records at the front, likewise.
    var frontDeletions: FrontDeletions?
    /// What that request means, if it deletes: afterwards the catalog no longer tells.
    var plannedDeletions: [Result<TopicEntry, TopicRefusal>] = []
    /// The request about committed offsets there, and its number among the connection's.
    var frontOffsets: FrontOffsets?
    /// The request of a group's member there, while others or the log are waited for.
    var frontGroup: FrontGroup?
    var lastOffsetsTicket: UInt64 = 0

    init(_ connection: Connection, service: KafkaService) {
        self.connection = connection
        self.service = service
        lastRequest = service.loop.now
    }

    // MARK: Connection

    func received(
        _ input: UnsafeRawBufferPointer,
        output: inout ByteWriter
    ) -> ConnectionAction {
        stopWaiting()
        lastRequest = service.loop.now
        let outputStart = output.count
        var consumed = 0
        do throws(KafkaWireError) {
            while true {
                guard output.count &- outputStart < KafkaServerLimits.outputBytesPerCallMax else {
                    waitsForOutput = true
                    wrote()
                    return .pause(consumed: consumed)
                }
                if oversized != nil {
                    let action = try skipOversizedProduce(input, consumed: &consumed, &output)
                    if let action { return action }
                    continue
                }
                let rest = UnsafeRawBufferPointer(rebasing: input[consumed...])
                let bytesMax = service.settings.requestBytesMax.rawValue
                let next: KafkaFrame
                do throws(KafkaWireError) {
                    next = try KafkaFrame.first(in: rest, bytesMax: bytesMax)
                } catch {
                    guard isIntroduced else { throw error }
                    let action = try beginOversizedProduce(input, error, consumed: &consumed)
                    if let action { return action }
                    continue
                }
                switch next {
                case .incomplete(let needed):
                    guard !rest.isEmpty else { return .read(consumed: consumed) }
                    return .readFrame(consumed: consumed, frameBytes: needed)
                case .whole(let frame):
                    let frameEnd = consumed &+ KafkaFrame.lengthBytes &+ frame.count
                    switch try answer(frame, &output) {
                    case .answered:
                        consumed = frameEnd
                        service.counters.requests.add()
                    case .waiting: return .pause(consumed: consumed)
                    case .refused(let reason): return .close(consumed: frameEnd, reason)
                    }
                }
            }
        } catch {
            service.counters.count(error)
            service.report(
                .disconnected(peer: connection.peer, client: client, error)
            )
            return .close(consumed: input.count, .protocolViolation("\(error)"))
        }
    }

    func outputDrained() {
        settle()
        tryToWrite()
    }

    func closed(_ reason: CloseReason) {
        if reason == .outputOverflow { service.counters.stalled.add() }
        stopWaiting()
        forgetProduces()
        abandonReading()
        forgetGroupRequest()
        service.forget(connection.id)
        release()
    }

    // MARK: Waiting

    /// Shows the waiting fetch to `received` again, in this iteration or in the next.
    func lookAgain() { connection.resumeReading() }

    func lookAgain(at time: MonotonicTime) {
        timers.append(service.loop.schedule(at: time) { [weak self] in self?.lookAgain() })
    }

    private func stopWaiting() {
        waitsForProduces = .nothing
        service.unpark(connection.id)
        guard !timers.isEmpty else { return }
        for timer in timers { service.loop.cancel(timer) }
        timers.removeAll(keepingCapacity: true)
    }

    /// Gives back record bytes that the pool counts once the peer has taken them.
    func holdUntilSent(_ size: ByteCount) {
        reserved += size
        wrote()
    }

    private func wrote() {
        lastWrite = service.loop.now
        guard !isUnsettled else { return }
        isUnsettled = true
        service.settleAfterFlush(self)
    }

    /// Gives back the memory of what was sent. Output that is still there and is not of this very
    /// iteration makes the socket call `outputDrained` once it is gone.
    func settle() {
        isUnsettled = false
        guard connection.pendingOutput == .zero else {
            if lastWrite == service.loop.now { wrote() }
            return
        }
        release()
        guard waitsForOutput else { return }
        waitsForOutput = false
        lookAgain()
    }

    /// Nothing was asked that is not answered.
    var isIdle: Bool {
        produces.isEmpty && frontFetch == nil && frontTopics == nil && frontDeletions == nil
            && frontOffsets == nil && frontGroup == nil && readers.isIdle
            && connection.pendingOutput == .zero
    }

    private func release() {
        let size = reserved
        reserved = .zero
        service.releaseFetchMemory(size)
    }

    // MARK: Requests

    private func answer(
        _ frame: UnsafeRawBufferPointer,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        var reader = ByteReader(frame)
        let header = try KafkaRequestHeader(reading: &reader)
        note(header)
        guard let api = header.api else { throw .unknownAPI(header.apiKey) }
        if api == .produce { return try produce(&reader, header, &output) }
        guard produces.isEmpty else {
            waitsForProduces = .allAnswered
            return .waiting
        }
        guard !mustWaitForChanges(api) else { return .waiting }
        let version = header.apiVersion
        switch api {
        case .apiVersions: try answerApiVersions(&reader, header, &output)
        case .metadata: return try metadata(&reader, header, &output)
        case .listOffsets: return try listOffsets(&reader, header, &output)
        case .produce: return try produce(&reader, header, &output)
        case .fetch: return try fetch(&reader, header, &output)
        case .createTopics: return try createTopics(&reader, header, &output)
        case .deleteTopics: return try deleteTopics(&reader, header, &output)
        case .describeConfigs:
            let request = try DescribeConfigsRequest(reading: &reader, version: version)
            let response = answers.describeConfigs(request)
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        case .findCoordinator, .joinGroup, .syncGroup, .heartbeat, .leaveGroup, .describeGroups,
            .listGroups, .deleteGroups:
            return try group(api, &reader, header, &output)
        case .offsetCommit, .offsetFetch, .offsetDelete:
            return try committedOffsets(api, &reader, header, &output)
        case .initProducerID, .describeProducers:
            return try producers(api, &reader, header, &output)
        case .offsetForLeaderEpoch: return try offsetForLeaderEpoch(&reader, header, &output)
        case .createPartitions, .deleteRecords, .alterConfigs, .incrementalAlterConfigs,
            .listConfigResources, .describeLogDirs, .alterReplicaLogDirs, .describeCluster,
            .describeTopicPartitions, .electLeaders, .alterPartitionReassignments,
            .listPartitionReassignments, .describeAcls, .createAcls, .deleteAcls:
            return try administration(api, &reader, header, &output)
        }
        return .answered
    }

    var answers: BrokerAnswers {
        BrokerAnswers(
            identity: service.identity,
            catalog: service.catalog.snapshot,
            configuration: service.configuration
        )
    }

    private func answerApiVersions(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) {
        let version = header.apiVersion
        guard KafkaAPI.apiVersions.versions.contains(version) else {
            // The one case where a version that we do not know gets an answer (KIP-511).
            return respond(to: header, .apiVersions, &output) {
                BrokerAnswers.apiVersionsUnsupported.write(to: &$0, version: 0)
            }
        }
        let request = try ApiVersionsRequest(reading: &reader, version: version)
        client.software = bounded(request.clientSoftwareName)
        client.softwareVersion = bounded(request.clientSoftwareVersion)
        let response = BrokerAnswers.apiVersions(request, version: version)
        respond(to: header, .apiVersions, &output) { response.write(to: &$0, version: version) }
    }

    func respond(
        to header: KafkaRequestHeader,
        _ api: KafkaAPI,
        _ output: inout ByteWriter,
        _ body: (inout ByteWriter) -> Void
    ) {
        header.writeResponse(api, to: &output, body)
    }

    /// Keeps who this is, for reports. A first whole request ends the handshake's time limit.
    private func note(_ header: KafkaRequestHeader) {
        if !isIntroduced {
            isIntroduced = true
            connection.handshakeCompleted()
        }
        guard let clientID = header.clientID, clientID != client.clientID else { return }
        client.clientID = bounded(clientID)
    }

    func bounded(_ text: String) -> String {
        String(text.prefix(KafkaServerLimits.clientNameLengthMax))
    }

    func report(_ failures: [FailedRead]) {
        for failure in failures {
            service.counters.readsFailed.add()
            service.report(.readFailed(failure.partition, failure.error))
        }
    }
}
