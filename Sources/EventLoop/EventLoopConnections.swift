import BrokerModel
import Posix

// What a loop keeps for its connections: their table, their deadlines, their turn at memory.
extension EventLoop {
    func nextConnectionID() -> UInt64 {
        lastConnectionID += 1
        return lastConnectionID
    }

    /// Watches a new connection; false when the kernel has no room for it.
    func add(_ connection: Connection) -> Bool {
        do throws(PosixError) {
            try epoll.add(connection.socket.rawValue, .input, tag: connection.tag)
        } catch {
            return false
        }
        connection.slot = connections.count
        connections.append(connection)
        return true
    }

    func remove(_ connection: Connection) {
        let last = connections.removeLast()
        if last !== connection {
            connections[connection.slot] = last
            last.slot = connection.slot
        }
        removed.append(connection)
    }

    func remove(_ listener: Listener) {
        listeners.removeAll { $0 === listener }
        removed.append(listener)
    }

    /// Promises to look at all connections' deadlines at this time, or a little later.
    func watchDeadline(_ deadline: MonotonicTime) {
        guard deadline < sweepTime else { return }
        if let sweepTimer { cancel(sweepTimer) }
        sweepTime = deadline
        sweepTimer = schedule(at: deadline) { [unowned self] in sweepDeadlines() }
    }

    /// One pass over all connections costs less than a timer for each incomplete frame.
    private func sweepDeadlines() {
        sweepTime = .never
        sweepTimer = nil
        var next = MonotonicTime.never
        for connection in connections { next = min(next, connection.expire(now: now)) }
        guard next < .never else { return }
        watchDeadline(max(next, now + .milliseconds(50)))
    }

    /// Lets a connection wait, first come first served, until the input pool has room for it.
    func waitForInput(_ connection: Connection) {
        inputWaiters.append(connection)
        counters.inputWaits.add()
        note(inputReports) { .inputPoolFull(count: $0) }
        startInputTimer()
    }

    private func retryInput() {
        let pool = settings.input
        var room = pool.capacity - pool.used
        var served = 0
        for connection in inputWaiters {
            let need = connection.inputNeed
            guard need <= room || pool.used == .zero && served == 0 else { break }
            room -= need
            served += 1
        }
        let ready = inputWaiters.prefix(served)
        inputWaiters.removeFirst(served)
        for connection in ready { connection.inputMayContinue() }
        startInputTimer()
    }

    /// A timer, because the pool's other users run on other threads.
    private func startInputTimer() {
        guard inputTimer == nil, !inputWaiters.isEmpty else { return }
        inputTimer = schedule(at: now + .milliseconds(10)) { [unowned self] in
            inputTimer = nil
            retryInput()
        }
    }

    func countRefusedOutput() {
        counters.outputRefused.add()
        note(outputReports) { .outputRefused(count: $0) }
    }

    /// Counts one event, and reports it: now, or with those that follow once the interval is over.
    func note(_ gate: ReportGate, as report: @escaping (Int) -> EventLoopReport) {
        gate.count += 1
        guard gate.count == 1 else { return }
        guard now < gate.nextReport else { return self.report(gate, as: report) }
        schedule(at: gate.nextReport) { [unowned self] in self.report(gate, as: report) }
    }

    private func report(_ gate: ReportGate, as report: (Int) -> EventLoopReport) {
        settings.report(report(gate.count))
        gate.count = 0
        gate.nextReport = now + settings.reportInterval
    }
}

/// What epoll's tag points at: an object's address, its kind in the low bits that are always zero.
enum EventTag: UInt64 {
    case connection = 0
    case listener = 1
    case wakeUp = 2

    init?(of tag: UInt64) { self.init(rawValue: tag & 3) }

    func tag(for object: AnyObject) -> UInt64 {
        let address = UInt(bitPattern: Unmanaged.passUnretained(object).toOpaque())
        return UInt64(address) | rawValue
    }

    static func object<Object: AnyObject>(of tag: UInt64, as _: Object.Type) -> Object? {
        guard let pointer = UnsafeRawPointer(bitPattern: UInt(tag & ~3)) else { return nil }
        return Unmanaged<Object>.fromOpaque(pointer).takeUnretainedValue()
    }
}

extension MonotonicTime {
    /// Later than every deadline.
    static let never = MonotonicTime(nanoseconds: .max)
}
