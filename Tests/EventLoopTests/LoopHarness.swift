import BrokerModel
import EventLoop
import Posix
import Synchronization
import Testing

/// One loop on its own thread, with one listener on a port of the kernel's choice.
final class LoopHarness: Sendable {
    typealias Task = @Sendable (LoopScope) -> Void

    let address: SocketAddress
    let counters: EventLoopCounters
    let input: MemoryPool
    let output: MemoryPool
    let reports: Journal<EventLoopReport>
    let closes: Journal<Close>
    private let tasks: Mailbox<Task>
    private let thread: SystemThread
    private let hasStopped = Mutex(false)

    init(
        limits: sending ConnectionLimits = ConnectionLimits(),
        inputBytes: ByteCount = .mebibytes(64),
        outputBytes: ByteCount = .mebibytes(64),
        handler: @escaping @Sendable (Connection, LoopScope) -> any ConnectionHandler
    ) throws {
        let input = MemoryPool(name: "network.input", capacity: inputBytes)
        let output = MemoryPool(name: "network.output", capacity: outputBytes)
        let reports = Journal<EventLoopReport>()
        let closes = Journal<Close>()
        var settings = EventLoopSettings(input: input, output: output)
        settings.report = { reports.record($0) }
        let loop = try EventLoop(settings: settings)
        let scope = LoopScope(loop, settings: settings, closes: closes)
        tasks = loop.makeMailbox { (messages: [Task]) in
            for message in messages { message(scope) }
        }
        let listener = try loop.listen(at: SocketAddress("127.0.0.1:0"), limits: limits) {
            scope.connections.append($0)
            return handler($0, scope)
        }
        scope.listener = listener
        address = listener.address
        counters = loop.counters
        self.input = input
        self.output = output
        self.reports = reports
        self.closes = closes
        thread = try SystemThread.start(named: "loop", handing: loop) { $0.run() }
    }

    deinit { stop(drain: .milliseconds(10)) }

    func connect(receiveBufferBytes: Int = 0) throws -> ClientSocket {
        try ClientSocket(
            to: address,
            timeout: testDeadline,
            receiveBufferBytes: receiveBufferBytes
        )
    }

    func perform(_ task: @escaping Task) { tasks.post(task) }

    /// Runs `body` on the loop's thread and brings its answer back.
    func ask<Answer: Sendable>(
        _ body: @escaping @Sendable (LoopScope) -> Answer
    ) throws -> Answer {
        let answers = Journal<Answer>()
        tasks.post { answers.record(body($0)) }
        let answer = try answers.wait { !$0.isEmpty }.first
        return try #require(answer)
    }

    /// Asks the loop again and again until `condition` holds; false when it does not in time.
    func eventually(_ condition: @escaping @Sendable (LoopScope) -> Bool) throws -> Bool {
        let end = SystemClock.monotonicNanoseconds + testDeadline.nanoseconds
        while SystemClock.monotonicNanoseconds < end {
            if try ask(condition) { return true }
        }
        return false
    }

    func expectEventually(
        sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: @escaping @Sendable (LoopScope) -> Bool
    ) throws {
        let holds = try eventually(condition)
        #expect(holds, sourceLocation: sourceLocation)
    }

    func stop(drain: Duration = .seconds(1)) {
        let isFirst = hasStopped.withLock { stopped in
            defer { stopped = true }
            return !stopped
        }
        guard isFirst else { return }
        tasks.post { $0.loop.stop(drain: drain) }
        thread.join()
    }
}

/// What lives on the loop's thread. Tasks use this and never the harness: the last reference to
/// that, dropped there, would make the thread wait for its own end.
final class LoopScope {
    let loop: EventLoop
    let counters: EventLoopCounters
    let input: MemoryPool
    let output: MemoryPool
    let closes: Journal<Close>
    var listener: Listener?
    var connections: [Connection] = []

    init(_ loop: EventLoop, settings: EventLoopSettings, closes: Journal<Close>) {
        self.loop = loop
        counters = loop.counters
        input = settings.input
        output = settings.output
        self.closes = closes
    }
}

struct Close: Equatable, Sendable {
    let id: UInt64
    let reason: CloseReason
}

let testDeadline = Duration.seconds(20)

/// What happened, in order; others wait for it without polling.
final class Journal<Entry: Sendable>: Sendable {
    private let stored = Mutex<[Entry]>([])
    private let changed: WakeEvent

    init() {
        guard let event = try? WakeEvent() else { preconditionFailure("no descriptor is left") }
        changed = event
    }

    var entries: [Entry] { stored.withLock { $0 } }

    func record(_ entry: Entry) {
        stored.withLock { $0.append(entry) }
        changed.signal()
    }

    /// The entries as soon as they satisfy `condition`, or as they are at the deadline.
    func wait(until condition: ([Entry]) -> Bool) throws -> [Entry] {
        let epoll = try Epoll()
        try epoll.add(changed.descriptor, .input, tag: 0)
        let end = SystemClock.monotonicNanoseconds + testDeadline.nanoseconds
        while true {
            changed.clear()
            let left = end - SystemClock.monotonicNanoseconds
            let current = entries
            guard !condition(current), left > 0 else { return current }
            _ = epoll.wait(milliseconds: Int32(left / 1_000_000 + 1))
        }
    }
}

/// A handler whose answers a test writes down where it uses them.
final class ScriptedHandler: ConnectionHandler {
    typealias Script = (UnsafeRawBufferPointer, inout ByteWriter) -> ConnectionAction

    private let connection: Connection
    private let closes: Journal<Close>
    private let script: Script
    var drained: () -> Void = {}

    init(_ connection: Connection, _ scope: LoopScope, _ script: @escaping Script) {
        self.connection = connection
        closes = scope.closes
        self.script = script
    }

    func received(
        _ input: UnsafeRawBufferPointer,
        output: inout ByteWriter
    ) -> ConnectionAction { script(input, &output) }

    func outputDrained() { drained() }
    func closed(_ reason: CloseReason) {
        closes.record(Close(id: connection.id, reason: reason))
    }
}

/// Sends back what comes.
@Sendable func echo(_ connection: Connection, _ scope: LoopScope) -> any ConnectionHandler {
    ScriptedHandler(connection, scope) { input, output in
        output.writeBytes(input)
        return .read(consumed: input.count)
    }
}

/// Receives frames of a four-byte length and as many bytes; answers each with its length and sum.
@Sendable func sumFrames(_ connection: Connection, _ scope: LoopScope) -> any ConnectionHandler {
    ScriptedHandler(connection, scope) { input, output in
        var reader = ByteReader(input)
        while true {
            let start = reader.position
            guard let length = reader.readInteger(UInt32.self) else {
                return .read(consumed: start)
            }
            guard let body = reader.readBytes(Int(length)) else {
                return .readFrame(consumed: start, frameBytes: Int(length) + 4)
            }
            output.writeInteger(length)
            output.writeInteger(body.reduce(UInt64(0)) { $0 &+ UInt64($1) })
        }
    }
}

/// `count` bytes that differ from place to place.
func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}

func frame(_ body: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt32(body.count).bigEndian) { Array($0) } + body
}

extension ClientSocket {
    /// Exactly `count` bytes, or fewer when the peer ends before.
    func readExactly(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let next = try read(max: count - bytes.count, timeout: testDeadline)
            guard !next.isEmpty else { break }
            bytes += next
        }
        return bytes
    }

    /// Everything up to the peer's end.
    func readToEnd() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let next = try read(max: 65_536, timeout: testDeadline)
            guard !next.isEmpty else { return bytes }
            bytes += next
        }
    }

    /// The answer of `sumFrames` to one frame.
    func readSum() throws -> (length: UInt32?, sum: UInt64?) {
        try readExactly(12).withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            return (reader.readInteger(), reader.readInteger())
        }
    }
}
