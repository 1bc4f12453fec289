import CPosix

/// A socket's descriptor. Whoever opened it closes it; the value itself owns nothing.
package struct SocketDescriptor: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// Opens a non-blocking listener. A port that somebody else listens on is an error.
    package static func listening(
        at address: SocketAddress,
        backlog: Int = 1_024
    ) throws(PosixError) -> SocketDescriptor {
        let socket = try open(for: address, isBlocking: false)
        var native = address.native
        let answer = cposix_bind_and_listen(socket.rawValue, &native, Int32(backlog))
        guard answer < 0 else { return socket }
        socket.close()
        throw PosixError(code: -answer, call: "bind")
    }

    /// Connects a blocking socket; the timeout afterwards bounds each write too.
    package static func connected(
        to address: SocketAddress,
        timeout: Duration,
        receiveBufferBytes: Int = 0
    ) throws(PosixError) -> SocketDescriptor {
        let socket = try open(for: address, isBlocking: true)
        _ = cposix_set_buffer_sizes(socket.rawValue, Int32(receiveBufferBytes), 0)
        var native = address.native
        let answer = cposix_connect(socket.rawValue, &native, timeout.clampedMilliseconds)
        guard answer < 0 else { return socket }
        socket.close()
        throw PosixError(code: -answer, call: "connect")
    }

    /// Takes one waiting connection, non-blocking already. Nil when none waits.
    package func accept() throws(PosixError) -> (SocketDescriptor, peer: SocketAddress)? {
        var peer = cposix_address()
        let answer = cposix_accept(rawValue, &peer)
        if answer == -ErrorCode.wouldBlock { return nil }
        try PosixError.check(answer, "accept4")
        return (SocketDescriptor(rawValue: answer), SocketAddress(peer))
    }

    package func localAddress() throws(PosixError) -> SocketAddress {
        var native = cposix_address()
        try PosixError.check(cposix_local_address(rawValue, &native), "getsockname")
        return SocketAddress(native)
    }

    /// Small packets leave at once. A socket that is already dead says so at its next read.
    package func setNoDelay() { _ = cposix_set_no_delay(rawValue) }

    /// Makes every later call answer at once, for a client that connected by a blocking one.
    package func setNonBlocking() throws(PosixError) {
        try PosixError.check(cposix_set_non_blocking(rawValue), "fcntl")
    }

    /// Fixes the kernel's buffers; zero leaves its own choice.
    package func setBufferBytes(receive: Int, send: Int) {
        _ = cposix_set_buffer_sizes(rawValue, Int32(receive), Int32(send))
    }

    package func setReadTimeout(_ timeout: Duration) throws(PosixError) {
        let answer = cposix_set_read_timeout(rawValue, timeout.clampedMilliseconds)
        try PosixError.check(answer, "setsockopt")
    }

    /// Makes `close` send a reset and forget what was not yet sent.
    package func resetOnClose() { _ = cposix_reset_on_close(rawValue) }

    /// The error that the kernel holds for this socket, zero without one.
    package func pendingError() -> Int32 { -cposix_pending_error(rawValue) }

    package func shutdownOutput() { _ = cposix_shutdown_output(rawValue) }

    /// Bytes received, zero at the peer's end, below zero the negative errno: the answers that a
    /// loop branches on for each read, without the price of a throw.
    package func receive(into bytes: UnsafeMutableRawBufferPointer) -> Int {
        guard let start = bytes.baseAddress else { return 0 }
        return cposix_receive(rawValue, start, bytes.count)
    }

    /// Bytes sent, or the negative errno.
    package func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let start = bytes.baseAddress else { return 0 }
        return cposix_send(rawValue, start, bytes.count)
    }

    package func close() { _ = cposix_close(rawValue) }

    private static func open(
        for address: SocketAddress,
        isBlocking: Bool
    ) throws(PosixError) -> SocketDescriptor {
        let answer = cposix_socket(address.isIPv6 ? 1 : 0, isBlocking ? 1 : 0)
        return SocketDescriptor(rawValue: try PosixError.check(answer, "socket"))
    }
}

extension Duration {
    /// Whole milliseconds for a system call: at least one when there is any time at all.
    var clampedMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
        return max(Int32(milliseconds), attoseconds > 0 ? 1 : 0)
    }
}
