import BrokerModel
import KafkaWire
import Posix
import RecordFormat

struct KafkaProducePlan {
    var address: SocketAddress
    var topic: String
    var connections = 1
    /// Requests in flight on each connection.
    var inFlight = 5
    var recordsEach = 1_000
    var payloadBytes = 200
    var codec = CompressionCodec.none
    var acks: Int16 = -1
    /// Each connection's requests, or nil: as many as the time allows.
    var requestsEach: Int?
    var seconds: Double?
    /// Records a second over all connections.
    var rate: Double?
    var patience = 10.0
}

/// A Kafka produce load while it runs.
final class KafkaProduceLoad {
    private static let timerTag: UInt64 = 1 << 33

    private let plan: KafkaProducePlan
    private let broker: BrokerProcess
    private let epoll: Epoll
    private let timer: TimerDescriptor
    private let topic: KafkaTopic
    private let starts: [Int32: Offset]
    private var producers: [KafkaProducer] = []
    private let readBuffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: 1 << 20,
        alignment: 16
    )
    private var latencies = LatencyRecord()
    private var lastProgress: Int64 = 0
    private var hasStalled = false

    init(_ plan: KafkaProducePlan, broker: BrokerProcess) throws {
        self.plan = plan
        self.broker = broker
        epoll = try Epoll()
        timer = try TimerDescriptor()
        try epoll.add(timer.descriptor, .input, tag: Self.timerTag)
        topic = try KafkaTopic(plan.topic, at: plan.address)
        starts = try topic.offsets(at: ListOffsetsPlace.latest)
        let pattern = PayloadPattern(size: plan.payloadBytes)
        let run = SystemClock.monotonicNanoseconds
        let planned = try (0..<plan.connections).map { try lines(of: $0, run, pattern) }
        // Only now, for a broker cuts who connects and says nothing.
        for (index, lines) in planned.enumerated() {
            let socket = try LoadSocket(to: plan.address)
            try socket.watch(by: epoll, tag: UInt64(index))
            producers.append(
                KafkaProducer(socket, plan, index: index, lines: lines, ownsPartitions: !isShared)
            )
        }
    }

    deinit { readBuffer.deallocate() }

    /// Each connection has partitions of its own, unless there are not so many.
    private var isShared: Bool { plan.connections > topic.partitions.count }

    private func lines(
        of index: Int,
        _ run: Int64,
        _ pattern: PayloadPattern
    ) throws -> [KafkaProducer.Line] {
        let count = topic.partitions.count
        let places = topic.partitions.indices.filter {
            isShared ? $0 == index % count : $0 % plan.connections == index
        }
        return try places.map { place in
            let partition = topic.partitions[place]
            let requests = try ProduceRequests(
                plan,
                partition: partition,
                producer: isShared ? index : Int(partition),
                run: run,
                pattern: pattern
            )
            return KafkaProducer.Line(
                partition: partition,
                requests: requests,
                expectedOffset: isShared ? nil : starts[partition]
            )
        }
    }

    func run() throws -> KafkaReport {
        let before = broker.reading()
        let start = now
        lastProgress = start
        publish(from: start)
        let seconds = Double(lastProgress - start) / 1e9
        let after = broker.reading()
        let (stored, storedSeconds) = try storedRecords(from: start)
        let isAcknowledged = plan.acks != 0
        let sent = producers.reduce(0) { $0 + $1.requestsSent } * plan.recordsEach
        let acknowledged = producers.flatMap(\.lines).reduce(0) { $0 + $1.acknowledged }
        let done = isAcknowledged ? acknowledged : stored
        var faults = producers.flatMap(\.faults)
        let unnamed = producers.reduce(0) { $0 + $1.faultCount } - faults.count
        if unnamed > 0 { faults.append("\(unnamed) more of these") }
        let lost = producers.count { !$0.socket.isOpen }
        if lost > 0 { faults.append("\(lost) connections lost") }
        if hasStalled { faults.append("nothing came any more for \(plan.patience) s") }
        if stored != (isAcknowledged ? acknowledged : sent) {
            faults.append("\(stored) records stored, \(isAcknowledged ? acknowledged : sent) sent")
        }
        var report = KafkaReport(
            name: "kafka-produce/\(plan.codec)/\(plan.connections)x\(plan.inFlight)x"
                + "\(plan.recordsEach)/\(plan.payloadBytes)B/acks\(plan.acks)",
            seconds: isAcknowledged ? seconds : storedSeconds,
            records: done
        )
        report.latency = latencies.summary()
        report.faults = faults
        report.measure(before, after)
        let line = producers.first?.lines.first?.requests
        report.wireBytesPerRecord = line.map { $0.batchBytesEach / Double($0.recordsEach) }
        return report
    }

    private var now: Int64 { SystemClock.monotonicNanoseconds }

    private func publish(from start: Int64) {
        let end = plan.seconds.map { start + Int64($0 * 1e9) } ?? .max
        var isEnding = false
        for producer in producers { producer.pump(now: start, startedAt: start, isEnding: false) }
        while true {
            let time = now
            if time >= end { isEnding = true }
            if plan.rate != nil, !isEnding { pumpDue(time, start) }
            let quota = plan.requestsEach ?? .max
            let isDone = producers.allSatisfy {
                !$0.socket.isOpen || $0.isIdle && (isEnding || $0.requestsSent >= quota)
            }
            if isDone { return }
            hasStalled = time - lastProgress > Int64(plan.patience * 1e9)
            if hasStalled { return }
            turn(start, isEnding)
        }
    }

    private func pumpDue(_ time: Int64, _ start: Int64) {
        var next = Int64.max
        for producer in producers {
            if producer.dueTime(startedAt: start) <= time {
                producer.pump(now: time, startedAt: start, isEnding: false)
            }
            next = min(next, producer.dueTime(startedAt: start))
        }
        // Who is due and has no place in flight is served when an answer comes.
        if next > time { timer.set(to: next) }
    }

    private func turn(_ start: Int64, _ isEnding: Bool) {
        for index in 0..<epoll.wait(milliseconds: 50) {
            let (tag, ready) = epoll.event(at: index)
            guard tag != Self.timerTag else {
                timer.set(to: .max / 2)
                continue
            }
            let producer = producers[Int(tag)]
            guard producer.socket.isOpen else { continue }
            if ready.contains(.output) { producer.socket.flush() }
            if ready != .output {
                producer.socket.receive(by: readBuffer) { input in
                    let time = now
                    lastProgress = time
                    return producer.received(input, now: time, latencies: &latencies)
                }
            } else if plan.acks == 0 {
                lastProgress = now
            }
            producer.pump(now: now, startedAt: start, isEnding: isEnding)
        }
    }

    /// How many records the partitions grew by, and when they had: without acknowledgements the
    /// offsets alone tell when all has arrived.
    private func storedRecords(from start: Int64) throws -> (Int, seconds: Double) {
        let sent = producers.reduce(0) { $0 + $1.requestsSent } * plan.recordsEach
        var lastGrowth = now
        var stored = -1
        while true {
            let ends = try topic.offsets(at: ListOffsetsPlace.latest)
            let found = ends.reduce(0) { sum, end in
                sum + Int(end.value.rawValue - (starts[end.key]?.rawValue ?? 0))
            }
            if found != stored { lastGrowth = now }
            stored = found
            let isOver = now - lastGrowth > Int64(min(plan.patience, 2) * 1e9)
            guard plan.acks == 0, stored < sent, !isOver else {
                return (stored, Double(lastGrowth - start) / 1e9)
            }
        }
    }
}
