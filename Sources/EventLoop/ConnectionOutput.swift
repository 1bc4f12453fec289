import BrokerModel
import Posix

// How bytes go out: into one buffer a connection, sent with one call at the end of the iteration.
// While a caller fills the buffer it is taken off the connection, so that a call that comes back in
// meanwhile finds none and cannot disturb it.
extension Connection {
    /// The grain in which output memory is taken from the pool.
    private static let reservedGrain = 4_096

    func takeOutput() -> OutputBuffer {
        guard let buffer = output else { return loop.outputBuffers.take() }
        output = nil
        buffer.compact()
        return buffer
    }

    /// What `received` wrote is never refused. Should it outgrow the pool, then by one burst: the
    /// connection is not read again until it is sent.
    func putBackReplies(_ buffer: OutputBuffer) {
        if let beside = output {
            buffer.writer.pointee.writeBytes(beside.unsent)
            loop.outputBuffers.recycle(beside)
        }
        output = buffer
        guard phase != .closed else { return dropOutput() }
        guard buffer.pending > 0 else { return dropOutput() }
        if !reserveOutput() { isOverdrawn = true }
        queueFlush()
    }

    /// A write from inside `received`, while that call's own output is not here.
    func writeBeside(_ body: (inout ByteWriter) -> Void) -> Bool {
        let buffer = takeOutput()
        body(&buffer.writer.pointee)
        output = buffer
        return true
    }

    func writeWithinLimits(_ body: (inout ByteWriter) -> Void) -> Bool {
        let limit = limits.outputBytesMax.rawValue
        guard output?.pending ?? 0 < limit else { return refuseOutput() }
        let buffer = takeOutput()
        let before = buffer.writer.pointee.count
        let isAlone = buffer.pending == 0
        body(&buffer.writer.pointee)
        precondition(output == nil, "a body writes only to its writer")
        output = buffer
        guard phase != .closed else {
            dropOutput()
            return false
        }
        guard isAlone || buffer.pending <= limit else {
            buffer.writer.pointee.truncate(to: before)
            return refuseOutput()
        }
        queueFlush()
        guard !reserveOutput() else { return true }
        return writeWithFullPool(before)
    }

    /// The pool may be full of what only waits for the iteration's end: sends it, and asks again.
    private func writeWithFullPool(_ before: Int) -> Bool {
        loop.flush()
        guard phase != .closed else { return false }
        guard let buffer = output, buffer.pending > 0, !reserveOutput() else { return true }
        // A message whose first bytes have left has to be followed by its last.
        guard buffer.sent <= before else { return true }
        buffer.writer.pointee.truncate(to: before)
        if buffer.pending == 0 { sendOutput() }
        return refuseOutput()
    }

    private func refuseOutput() -> Bool {
        loop.countRefusedOutput()
        return false
    }

    /// Sends once. Whatever the socket does not take waits until epoll says that it would.
    func sendOutput() {
        if let buffer = output, buffer.pending > 0 {
            let sent = socket.send(buffer.unsent)
            guard sent >= 0 || sent == -Int(ErrorCode.wouldBlock) else { return sendFailed() }
            buffer.sent += max(0, sent)
            loop.counters.bytesSent.add(max(0, sent))
            guard buffer.pending == 0 else {
                returnSurplus()
                return becameStuck(afterSending: sent)
            }
        }
        dropOutput()
        outputSent()
    }

    func dropOutput() {
        if let buffer = output {
            output = nil
            loop.outputBuffers.recycle(buffer)
        }
        guard outputReserved > 0 else { return }
        loop.settings.output.release(ByteCount(outputReserved))
        outputReserved = 0
    }

    private func reserveOutput() -> Bool {
        let pending = output?.pending ?? 0
        guard pending > outputReserved else { return true }
        let wanted = (pending + Self.reservedGrain - 1) / Self.reservedGrain * Self.reservedGrain
        guard loop.settings.output.reserve(ByteCount(wanted - outputReserved)) else { return false }
        outputReserved = wanted
        return true
    }

    private func returnSurplus() {
        let needed = (output?.pending ?? 0) + Self.reservedGrain
        guard outputReserved >= needed + 16 * Self.reservedGrain else { return }
        loop.settings.output.release(ByteCount(outputReserved - needed))
        outputReserved = needed
    }
}

/// Output on its way. A class, so that it can wander between connections without being copied.
final class OutputBuffer {
    /// Behind a pointer for the reason that `WorkQueue` gives.
    let writer: UnsafeMutablePointer<ByteWriter>
    /// How many of the writer's bytes have left.
    var sent = 0

    init() {
        writer = .allocate(capacity: 1)
        writer.initialize(to: ByteWriter())
    }

    deinit {
        writer.deinitialize(count: 1)
        writer.deallocate()
    }

    var pending: Int { writer.pointee.count - sent }
    var unsent: UnsafeRawBufferPointer { .init(rebasing: writer.pointee.bytes[sent...]) }

    /// Forgets what was sent, once that is at least half: each byte moves at most once on average.
    func compact() {
        guard sent > 0, 2 * sent >= writer.pointee.count else { return }
        writer.pointee.removeFirst(sent)
        sent = 0
    }
}

/// Buffers that wait for their next use, so that a burst allocates nothing.
final class OutputBufferStore {
    private let bytesMax: Int
    private let buffers = WorkQueue<OutputBuffer>()
    private var bytes = 0

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    func take() -> OutputBuffer {
        guard let buffer = buffers.popLast() else { return OutputBuffer() }
        bytes -= buffer.writer.pointee.capacity
        return buffer
    }

    func recycle(_ buffer: OutputBuffer) {
        let capacity = buffer.writer.pointee.capacity
        guard bytes + capacity <= bytesMax, buffers.count < 1_024 else { return }
        buffer.writer.pointee.removeAll()
        buffer.sent = 0
        bytes += capacity
        buffers.append(buffer)
    }
}
