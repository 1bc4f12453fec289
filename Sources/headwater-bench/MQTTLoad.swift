import BrokerModel
import MQTTWire
import Posix

/// A load while it runs: all its connections on one epoll.
final class MQTTLoad {
    private static let burstBytes = 64 << 10
    private static let readBytes = 1 << 20
    private static let subscriberTag: UInt64 = 1 << 32
    private static let timerTag: UInt64 = 1 << 33
    private static let tickMilliseconds: Int32 = 100

    private let plan: LoadPlan
    private let broker: BrokerProcess
    private let epoll: Epoll
    private let timer: TimerDescriptor
    private let pattern: PayloadPattern
    private var publishers: [Publisher] = []
    private var subscribers: [Subscriber] = []
    private let scratch = UnsafeMutableRawBufferPointer.allocate(
        byteCount: burstBytes + (1 << 18),
        alignment: 16
    )
    private let readBuffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: readBytes,
        alignment: 16
    )
    private var replies = ByteWriter(capacity: 1 << 16)
    private var acknowledgements = LatencyRecord()
    private var deliveries = LatencyRecord()
    private var lastProgress: Int64 = 0
    private var hasStalled = false
    private var residentMax = 0
    private var lastReading: Int64 = 0

    init(_ plan: LoadPlan, broker: BrokerProcess) throws(LoadError) {
        self.plan = plan
        self.broker = broker
        pattern = PayloadPattern(size: plan.payloadBytes)
        do throws(PosixError) {
            epoll = try Epoll()
            timer = try TimerDescriptor()
            try epoll.add(timer.descriptor, .input, tag: Self.timerTag)
        } catch {
            throw .socket(error)
        }
    }

    deinit {
        scratch.deallocate()
        readBuffer.deallocate()
    }

    func run() throws(LoadError) -> LoadReport {
        let before = broker.reading()
        try connect()
        let connected = broker.reading()
        let start = now
        lastProgress = start
        publish(from: start)
        let published = now
        let afterPublishing = broker.reading()
        collect()
        for publisher in publishers { publisher.disconnect() }
        return report(
            readings: .init(
                before: before,
                connected: connected,
                published: afterPublishing,
                residentMax: residentMax
            ),
            publishSeconds: Double(published - start) / 1e9,
            deliverySeconds: subscribers.isEmpty ? nil : Double(lastProgress - start) / 1e9
        )
    }

    private var now: Int64 { SystemClock.monotonicNanoseconds }

    private func connect() throws(LoadError) {
        for index in 0..<plan.subscribers {
            let connection = try handshake("s\(index)")
            try connection.subscribe(to: plan.filter, qos: plan.subscriberQoS)
            try connection.socket.watch(by: epoll, tag: Self.subscriberTag | UInt64(index))
            subscribers.append(Subscriber(connection, plan))
        }
        for index in 0..<plan.publishers {
            let connection = try handshake("p\(index)")
            try connection.socket.watch(by: epoll, tag: UInt64(index))
            publishers.append(Publisher(connection, plan, index: index))
        }
    }

    private func handshake(_ name: String) throws(LoadError) -> MQTTHandshake {
        try MQTTHandshake(
            to: plan.address,
            clientIdentifier: "bench-\(plan.runName)-\(name)",
            version: plan.version
        )
    }

    /// Publishes until all is sent and acknowledged, or nothing comes any more.
    private func publish(from start: Int64) {
        let end = plan.seconds.map { start + Int64($0 * 1e9) } ?? .max
        var isEnding = false
        var due = 0
        for publisher in publishers { pump(publisher, start, isEnding) }
        while true {
            let time = now
            if time >= end, !isEnding {
                isEnding = true
                for publisher in publishers { pump(publisher, start, isEnding) }
            }
            if plan.rate != nil, !isEnding { due = pumpDue(due, time, start) }
            guard publishers.contains(where: { $0.connection.isOpen && !$0.isFinished }) else {
                return
            }
            if isStalled(time) { return }
            turn(start, isEnding)
        }
    }

    /// Pumps the publishers whose messages are due, in turn, and sets the timer to the next one.
    /// Gives the place of that one in the schedule.
    private func pumpDue(_ first: Int, _ time: Int64, _ start: Int64) -> Int {
        guard let rate = plan.rate else { return first }
        var place = first
        let total = plan.messages.map { $0 * plan.publishers } ?? .max
        while place < total {
            let due = start + Int64(Double(place) * 1e9 / rate)
            guard due <= time else {
                timer.set(to: due)
                break
            }
            pump(publishers[place % publishers.count], start, false)
            place += 1
        }
        return place
    }

    private func pump(_ publisher: Publisher, _ start: Int64, _ isEnding: Bool) {
        publisher.pump(
            now: now,
            startedAt: start,
            isEnding: isEnding,
            pattern: pattern,
            scratch: UnsafeMutableRawBufferPointer(rebasing: scratch[..<burstBytes])
        )
    }

    /// A burst never ends inside a message: room for one more than fits the usual.
    private var burstBytes: Int { max(Self.burstBytes, plan.payloadBytes + 1_024) }

    private func isStalled(_ time: Int64) -> Bool {
        hasStalled = time - lastProgress > Int64(plan.patience * 1e9)
        return hasStalled
    }

    private func turn(_ start: Int64, _ isEnding: Bool) {
        for index in 0..<epoll.wait(milliseconds: Self.tickMilliseconds) {
            let (tag, ready) = epoll.event(at: index)
            if tag == Self.timerTag {
                timer.set(to: .max / 2)
            } else if tag & Self.subscriberTag != 0 {
                serve(subscribers[Int(tag & 0xffff_ffff)], ready)
            } else {
                serve(publishers[Int(tag)], ready, start, isEnding)
            }
        }
        sampleMemory()
    }

    private func serve(_ publisher: Publisher, _ ready: Readiness, _ start: Int64, _ isEnding: Bool)
    {
        let connection = publisher.connection
        guard connection.isOpen else { return }
        if ready.contains(.output) { connection.flush() }
        if ready != .output {
            connection.receive(by: readBuffer) { input in
                let time = now
                lastProgress = time
                return publisher.received(
                    input,
                    now: time,
                    latencies: &acknowledgements,
                    replies: &replies
                )
            }
            sendReplies(on: connection)
        } else if plan.qos == .atMostOnce {
            lastProgress = now  // Bytes taken are all that QoS 0 shows.
        }
        pump(publisher, start, isEnding)
    }

    private func serve(_ subscriber: Subscriber, _ ready: Readiness) {
        let connection = subscriber.connection
        guard connection.isOpen else { return }
        if ready.contains(.output) { connection.flush() }
        if ready != .output {
            connection.receive(by: readBuffer) { input in
                let time = now
                lastProgress = time
                return subscriber.received(
                    input,
                    now: time,
                    pattern: pattern,
                    latencies: &deliveries,
                    replies: &replies
                )
            }
            sendReplies(on: connection)
        }
        connection.watchOutput(!connection.isDrained)
    }

    private func sendReplies(on connection: LoadSocket) {
        connection.send(replies.bytes)
        replies.removeAll()
    }

    /// Waits until every subscriber has all that it is owed, or nothing comes any more; then a
    /// moment longer, for what should not come.
    private func collect() {
        guard !subscribers.isEmpty, !hasStalled else { return }
        let owed = publishers.reduce(0) { $0 + expected($1) }
        while subscribers.contains(where: { $0.connection.isOpen && $0.ledger.distinct < owed }) {
            // What QoS 0 dropped will not come: nobody waits as long for it.
            let patience = isLossAllowed ? min(plan.patience, 2) : plan.patience
            guard now - lastProgress < Int64(patience * 1e9) else { break }
            turn(0, true)
        }
        let delivered = lastProgress
        let linger = now + 200_000_000
        while now < linger { turn(0, true) }
        lastProgress = delivered
    }

    private var isLossAllowed: Bool { plan.qos == .atMostOnce || plan.subscriberQoS == .atMostOnce }

    /// How many of a publisher's messages a subscriber is owed, from the first on.
    private func expected(_ publisher: Publisher) -> Int {
        plan.qos == .atMostOnce ? publisher.sequence : publisher.counts.acknowledged
    }

    private func sampleMemory() {
        let time = now
        guard time - lastReading > 200_000_000 else { return }
        lastReading = time
        residentMax = max(residentMax, broker.residentBytes())
    }

    private func report(
        readings: LoadReadings,
        publishSeconds: Double,
        deliverySeconds: Double?
    ) -> LoadReport {
        var counts = LoadCounts()
        for publisher in publishers {
            counts.add(publisher.counts)
            counts.sent += publisher.sequence
            counts.lostConnections += publisher.connection.isOpen ? 0 : 1
        }
        for subscriber in subscribers {
            counts.delivered += subscriber.ledger.received
            counts.duplicates += subscriber.ledger.duplicates
            counts.disorderedDeliveries += subscriber.ledger.outOfOrder
            counts.corrupt += subscriber.corrupt
            counts.unexpectedPackets += subscriber.unexpectedPackets
            counts.lostConnections += subscriber.connection.isOpen ? 0 : 1
            for (index, publisher) in publishers.enumerated() {
                counts.lost += subscriber.ledger.missing(
                    publisher: index,
                    of: expected(publisher)
                )
            }
        }
        return LoadReport(
            plan,
            counts,
            readings,
            hasStalled: hasStalled,
            publishSeconds: publishSeconds,
            deliverySeconds: deliverySeconds,
            acknowledgement: acknowledgements.summary(),
            delivery: deliveries.summary()
        )
    }
}
