/// A blocking connection for command-line clients and tests; closed when it goes out of scope.
package struct ClientSocket: ~Copyable {
    package let descriptor: SocketDescriptor

    /// Connects within `timeout`, which afterwards bounds every write as well.
    package init(
        to address: SocketAddress,
        timeout: Duration = .seconds(10),
        receiveBufferBytes: Int = 0
    ) throws(PosixError) {
        descriptor = try .connected(
            to: address,
            timeout: timeout,
            receiveBufferBytes: receiveBufferBytes
        )
        descriptor.setNoDelay()
    }

    deinit { descriptor.close() }

    /// Sends everything, or throws; how much of it the peer then has is unknown.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(PosixError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = descriptor.send(UnsafeRawBufferPointer(rebasing: rest))
            try PosixError.check(sent == -Int(ErrorCode.wouldBlock) ? timedOut : sent, "send")
            rest = rest.dropFirst(sent)
        }
    }

    package func write(_ bytes: [UInt8]) throws(PosixError) {
        let failure: PosixError? = bytes.withUnsafeBytes { buffer in
            do throws(PosixError) {
                try write(buffer)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    /// The next bytes, as many as there are up to the buffer's size; zero at the peer's end.
    /// Throws `timedOut` when none came in time.
    package func read(
        into bytes: UnsafeMutableRawBufferPointer,
        timeout: Duration
    ) throws(PosixError) -> Int {
        try descriptor.setReadTimeout(timeout)
        let received = descriptor.receive(into: bytes)
        let answer = received == -Int(ErrorCode.wouldBlock) ? timedOut : received
        return try PosixError.check(answer, "recv")
    }

    /// The next bytes, at most `max`; empty at the peer's end.
    package func read(max: Int, timeout: Duration) throws(PosixError) -> [UInt8] {
        var failure: PosixError?
        let bytes = [UInt8](unsafeUninitializedCapacity: max) { buffer, count in
            do throws(PosixError) {
                count = try read(into: UnsafeMutableRawBufferPointer(buffer), timeout: timeout)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Says that nothing more will be written; reading goes on.
    package func shutdownOutput() { descriptor.shutdownOutput() }

    private var timedOut: Int { -Int(ErrorCode.timedOut) }
}
