import BrokerModel
import KafkaWire

/// One producing connection: keeps its requests in flight, and checks every answer.
final class KafkaProducer {
    struct Line {
        let partition: Int32
        let requests: ProduceRequests
        /// Requests sent, and records acknowledged.
        var sent = 0
        var acknowledged = 0
        /// Where the next acknowledged batch has to begin; nil before the first, and where other
        /// producers write to the partition too.
        var expectedOffset: Offset?
        var lastOffset = Offset(-1)
    }

    private struct InFlight {
        var correlationID: Int32
        var line: Int
        var time: Int64
    }

    let socket: LoadSocket
    private(set) var lines: [Line]
    private(set) var faults: [String] = []
    private(set) var faultCount = 0
    private let plan: KafkaProducePlan
    private let ownsPartitions: Bool
    private let index: Int
    private var inFlight: [InFlight?]
    private var firstInFlight = 0
    private var inFlightCount = 0
    private var nextLine = 0
    private var nextCorrelationID: Int32 = 0
    private(set) var requestsSent = 0

    init(
        _ socket: LoadSocket,
        _ plan: KafkaProducePlan,
        index: Int,
        lines: [Line],
        ownsPartitions: Bool
    ) {
        self.socket = socket
        self.plan = plan
        self.index = index
        self.lines = lines
        self.ownsPartitions = ownsPartitions
        inFlight = .init(repeating: nil, count: plan.inFlight)
    }

    var isIdle: Bool { inFlightCount == 0 && socket.isDrained }

    func dueTime(startedAt start: Int64) -> Int64 {
        guard let rate = plan.rate else { return start }
        let place = requestsSent * plan.connections + index
        return start + Int64(Double(place * plan.recordsEach) * 1e9 / rate)
    }

    func pump(now: Int64, startedAt start: Int64, isEnding: Bool) {
        let quota = plan.requestsEach ?? .max
        while socket.isOpen, socket.isDrained, !isEnding, requestsSent < quota,
            plan.acks == 0 || inFlightCount < plan.inFlight
        {
            var time = now
            if plan.rate != nil {
                time = dueTime(startedAt: start)
                guard time <= now else { break }
            }
            send(at: time)
        }
        let wantsRoom = plan.acks == 0 && plan.rate == nil && !isEnding && requestsSent < quota
        socket.watchOutput(!socket.isDrained || wantsRoom)
    }

    private func send(at time: Int64) {
        let line = nextLine
        nextLine = (nextLine + 1) % lines.count
        let requests = lines[line].requests
        let frame = requests.frames[lines[line].sent % requests.frames.count]
        frame.withUnsafeBytes { frame in
            scratch.removeAll()
            scratch.writeBytes(frame)
            scratch.patchInteger(nextCorrelationID, at: ProduceRequests.correlationPlace)
            socket.send(scratch.bytes)
        }
        lines[line].sent += 1
        requestsSent += 1
        if plan.acks != 0 {
            let place = (firstInFlight + inFlightCount) % plan.inFlight
            inFlight[place] = InFlight(correlationID: nextCorrelationID, line: line, time: time)
            inFlightCount += 1
        }
        nextCorrelationID &+= 1
    }

    private var scratch = ByteWriter(capacity: 1 << 16)

    /// Takes all whole answers, and says how much that consumed.
    func received(
        _ input: UnsafeRawBufferPointer,
        now: Int64,
        latencies: inout LatencyRecord
    ) -> Int {
        var place = 0
        do throws(KafkaWireError) {
            while case .whole(let body) = try KafkaFrame.first(
                in: UnsafeRawBufferPointer(rebasing: input[place...]),
                bytesMax: 1 << 20
            ) {
                try take(body, now, &latencies)
                place += KafkaFrame.lengthBytes + body.count
            }
            return place
        } catch {
            fault("an answer that is not Kafka's protocol: \(error)")
            socket.close()
            return input.count
        }
    }

    private func take(
        _ body: UnsafeRawBufferPointer,
        _ now: Int64,
        _ latencies: inout LatencyRecord
    ) throws(KafkaWireError) {
        var reader = ByteReader(body)
        let version = ProduceRequests.version
        let header = try KafkaResponseHeader(reading: &reader, api: .produce, version: version)
        guard inFlightCount > 0, let request = inFlight[firstInFlight] else {
            return fault("an answer to no request")
        }
        guard header.correlationID == request.correlationID else {
            return fault("answer \(header.correlationID), expected \(request.correlationID)")
        }
        firstInFlight = (firstInFlight + 1) % plan.inFlight
        inFlightCount -= 1
        let answer = try ProduceResponse(reading: &reader, version: version)
        guard let found = answer.topics.first?.partitions.first else {
            return fault("an answer without a partition")
        }
        check(found, request)
        latencies.record(now &- request.time)
    }

    private func check(_ found: ProduceResponse.Partition, _ request: InFlight) {
        let records = lines[request.line].requests.recordsEach
        guard found.errorCode == .none else { return fault("refused: \(found.errorCode)") }
        guard found.index == lines[request.line].partition else {
            return fault("partition \(found.index) answered for \(lines[request.line].partition)")
        }
        let isInOrder =
            ownsPartitions
            ? found.baseOffset == lines[request.line].expectedOffset ?? found.baseOffset
            : found.baseOffset > lines[request.line].lastOffset
        if !isInOrder { fault("offset \(found.baseOffset.rawValue) out of turn") }
        lines[request.line].lastOffset = found.baseOffset
        lines[request.line].expectedOffset = found.baseOffset + records
        lines[request.line].acknowledged += records
    }

    /// The first few in words, all of them counted.
    private func fault(_ what: String) {
        faultCount += 1
        if faults.count < 5 { faults.append(what) }
    }
}
