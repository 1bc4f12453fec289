import CPosix

/// The signals that a service takes part in.
package struct Signals: OptionSet, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let interrupt = Signals(rawValue: Int32(cposix_signal_interrupt))
    package static let terminate = Signals(rawValue: Int32(cposix_signal_terminate))
    package static let hangUp = Signals(rawValue: Int32(cposix_signal_hangup))
    package static let pipe = Signals(rawValue: Int32(cposix_signal_pipe))

    /// Keeps the signals from ending the process. Threads started later inherit this, so it is
    /// called first, on the main thread. Blocked `pipe`: a write to a closed pipe is an error.
    package func block() { _ = cposix_signals_block(rawValue) }

    /// Waits for one of these blocked signals; nil after the timeout.
    package func wait(timeout: Duration? = nil) throws(PosixError) -> Signals? {
        let milliseconds = timeout.map(\.clampedMilliseconds) ?? -1
        let answer = cposix_signals_wait(rawValue, milliseconds)
        try PosixError.check(answer, "sigwaitinfo")
        return answer == 0 ? nil : Signals(rawValue: answer)
    }
}
