import Posix

/// Ctrl-C or SIGTERM, which a command asks for wherever it would wait. Once come, it stays.
final class Interruption {
    private static let signals: Signals = [.interrupt, .terminate]
    private var came = false

    /// From here on these signals end nothing by themselves; a closed pipe is an error to be seen.
    init() { Self.signals.union(.pipe).block() }

    /// Waits for it no longer than that.
    func hasCome(within timeout: Duration = .zero) -> Bool {
        if !came { came = ((try? Self.signals.wait(timeout: timeout)) ?? nil) != nil }
        return came
    }
}
