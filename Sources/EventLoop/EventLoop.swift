// EventLoop runs one thread's sockets, timers and mailboxes over one epoll, and knows no protocol.
//
// Start at `EventLoop.turn`: one iteration, in the order in which everything happens. A `Listener`
// accepts, a `Connection` moves bytes, and a `ConnectionHandler` says what they mean. Other threads
// reach a loop by a `Mailbox` only; everything else is confined to the loop's thread, unlocked and
// not Sendable.
//
// Each iteration reads every ready connection once, then runs messages and timers, then sends each
// connection's output with one call: a burst of small requests costs one read and one send. Input
// lands in one buffer a loop and only an incomplete frame is kept for its connection, so an idle
// connection owns no buffer at all. Memory for kept input and unsent output comes from two pools.
// An empty pool stops reading; it refuses writes; it never grows. No handler is ever called from
// inside its own call into the loop, apart from the bodies that it hands over.
import BrokerModel
import Posix

/// One thread's sockets, timers and mailboxes. Confined to the thread that calls `run`.
public final class EventLoop {
    /// The time at which this iteration began.
    public var now: MonotonicTime { cachedNow }
    /// The machine's own idea of the date at which this iteration began.
    public var wallClock: Timestamp { cachedWallClock }
    /// Runs once an iteration, after all input, messages and timers, before output is sent.
    public var burstEnded: () -> Void {
        get { endBurst }
        set { endBurst = newValue }
    }
    public let counters = EventLoopCounters()

    let settings: EventLoopSettings
    let epoll: Epoll
    let readBuffer: UnsafeMutableRawBufferPointer
    let outputBuffers: OutputBufferStore
    var refusedLingering = 0

    // Private behind public: what no other module can touch needs no check for exclusive access.
    private var cachedNow = MonotonicTime(nanoseconds: SystemClock.monotonicNanoseconds)
    private var cachedWallClock = Timestamp(milliseconds: SystemClock.wallMilliseconds)
    private var endBurst: () -> Void = {}
    private let waker: LoopWaker
    private let timers = TimerHeap()
    private var mailRounds: [() -> Void] = []
    private var mailboxClosers: [() -> Void] = []
    var listeners: [Listener] = []
    var connections: [Connection] = []
    var lastConnectionID: UInt64 = 0

    // What this iteration still owes. Each connection stands in a queue at most once.
    private let toRedeliver = WorkQueue<Connection>()
    private let toFlush = WorkQueue<Connection>()
    private let toTellClosed = WorkQueue<Connection>()
    /// Kept alive to the iteration's end: epoll's events may still point at them.
    let removed = WorkQueue<AnyObject>()

    var inputWaiters: [Connection] = []
    var inputTimer: TimerID?
    var sweepTime = MonotonicTime.never
    var sweepTimer: TimerID?
    private var isStopping = false
    let inputReports = ReportGate()
    let outputReports = ReportGate()

    public init(settings: EventLoopSettings) throws(EventLoopError) {
        self.settings = settings
        outputBuffers = OutputBufferStore(bytesMax: settings.recycledOutputBytes.rawValue)
        readBuffer = .allocate(byteCount: settings.readBufferBytes.rawValue, alignment: 64)
        do throws(PosixError) {
            epoll = try Epoll()
            waker = try LoopWaker(wakeUps: counters.wakeUps)
            try epoll.add(waker.event.descriptor, .input, tag: EventTag.wakeUp.rawValue)
        } catch {
            readBuffer.deallocate()
            throw .system(error)
        }
    }

    deinit {
        for listener in listeners { listener.close() }
        readBuffer.deallocate()
    }

    /// Runs until `stop`, and then until every connection was told and is closed.
    public func run() {
        repeat { turn() } while !(isStopping && connections.isEmpty)
        tellClosed()
        for close in mailboxClosers { close() }
        timers.removeAll()
        mailRounds = []
        mailboxClosers = []
        endBurst = {}
    }

    /// Closes the listeners and, in good order, all connections. What is left after `drain` is cut.
    public func stop(drain: Duration = .seconds(1)) {
        guard !isStopping else { return }
        isStopping = true
        for listener in listeners { listener.close() }
        for connection in connections { connection.close(.serverStopping) }
        schedule(at: now + drain) { [unowned self] in
            for connection in connections { connection.abort(.serverStopping) }
        }
    }

    /// Listens at once; accepts once the loop runs.
    public func listen(
        at address: SocketAddress,
        limits: ConnectionLimits,
        accept: @escaping (Connection) -> any ConnectionHandler
    ) throws(EventLoopError) -> Listener {
        do throws(PosixError) {
            let listener = try Listener(
                loop: self,
                address: address,
                limits: limits,
                accept: accept
            )
            listeners.append(listener)
            try epoll.add(listener.socket.rawValue, .input, tag: listener.tag)
            return listener
        } catch {
            throw EventLoopError(error, listeningAt: address)
        }
    }

    /// Runs `body` once, in the first iteration that begins at `deadline` or later.
    @discardableResult
    public func schedule(at deadline: MonotonicTime, _ body: @escaping () -> Void) -> TimerID {
        timers.schedule(at: deadline, body)
    }

    /// Forgets a timer; one that has fired is forgotten already.
    public func cancel(_ timer: TimerID) { timers.cancel(timer) }

    /// Opens a mailbox. `receive` sees at each call all messages that came since the last.
    public func makeMailbox<Message: Sendable>(
        _ receive: @escaping ([Message]) -> Void
    ) -> Mailbox<Message> {
        let mailbox = Mailbox<Message>(waker: waker)
        var spare: [Message] = []
        mailRounds.append {
            mailbox.exchange(&spare)
            guard !spare.isEmpty else { return }
            receive(spare)
            spare.removeAll(keepingCapacity: true)
        }
        mailboxClosers.append(mailbox.close)
        return mailbox
    }

    // MARK: One iteration

    private func turn() {
        let ready = wait()
        cachedNow = MonotonicTime(nanoseconds: SystemClock.monotonicNanoseconds)
        cachedWallClock = Timestamp(milliseconds: SystemClock.wallMilliseconds)
        for index in 0..<ready {
            let (tag, readiness) = epoll.event(at: index)
            handle(tag, readiness)
        }
        if waker.takeMail() { for round in mailRounds { round() } }
        if timers.earliest <= now { timers.fire(now: now) }
        redeliver()
        tellClosed()
        endBurst()
        flush()
        tellClosed()
        while removed.popLast() != nil {}
        counters.turns.observe(.current - cachedNow)
    }

    private func wait() -> Int {
        let owesWork = !(toRedeliver.isEmpty && toFlush.isEmpty && toTellClosed.isEmpty)
        guard !owesWork, !(isStopping && connections.isEmpty), waker.fallAsleep() else {
            return epoll.wait(milliseconds: 0)
        }
        defer { waker.awake() }
        let deadline = timers.earliest
        guard deadline < .never else { return epoll.wait(milliseconds: -1) }
        let current = MonotonicTime(nanoseconds: SystemClock.monotonicNanoseconds)
        // Rounded up: a wait that ends too early would only turn the loop in vain.
        let milliseconds = ((deadline - current).nanoseconds + 999_999) / 1_000_000
        return epoll.wait(milliseconds: Int32(clamping: max(0, milliseconds)))
    }

    private func handle(_ tag: UInt64, _ ready: Readiness) {
        switch EventTag(of: tag) {
        case .connection: EventTag.object(of: tag, as: Connection.self)?.eventsArrived(ready)
        case .listener: EventTag.object(of: tag, as: Listener.self)?.acceptWaiting()
        case .wakeUp: waker.event.clear()
        case nil: break
        }
    }

    /// What is resumed while this runs waits for the next iteration, so that it comes to an end.
    private func redeliver() {
        var present = toRedeliver.count
        while present > 0, let connection = toRedeliver.popFirst() {
            present -= 1
            connection.redeliver()
        }
    }

    private func tellClosed() {
        while let connection = toTellClosed.popFirst() { connection.tellClosed() }
    }

    /// Sends what is queued. Calls no handler, so a `write` that needs memory may come here too.
    func flush() {
        while let connection = toFlush.popFirst() { connection.flush() }
    }

    func queueRedelivery(of connection: Connection) { toRedeliver.append(connection) }
    func queueFlush(of connection: Connection) { toFlush.append(connection) }
    func queueTellClosed(_ connection: Connection) { toTellClosed.append(connection) }
}
