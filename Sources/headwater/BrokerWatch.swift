import AdminServer
import BrokerModel
import Posix

/// The main thread while the broker serves: waits for a signal, and once a tick looks after what
/// the loops cannot see of themselves.
struct BrokerWatch {
    let vitals: BrokerVitals
    let log: BrokerLog
    private let notifier = ServiceNotifier()
    private static let tick = Duration.seconds(1)

    init(vitals: BrokerVitals, log: BrokerLog) {
        self.vitals = vitals
        self.log = log
    }

    /// Tells everybody that the broker serves. Its health says so first: who reads the announcement
    /// may ask at once.
    func begin(announcing ready: () -> Void) {
        vitals.enter(.serving)
        vitals.tick()
        ready()
        notifier?.ready(status: vitals.health.line)
    }

    /// Serves until one of the signals comes.
    func serve(until endings: Signals) throws(PosixError) -> Signals? {
        var last = vitals.health
        while true {
            if let signal = try endings.wait(timeout: interval) { return signal }
            let health = vitals.health
            // A watchdog that a mere timer feeds watches nothing: here every loop has answered.
            if health.isLive { notifier?.watchdog() }
            announce(health, after: last)
            last = health
            log.releaseHeld()
            vitals.tick()
        }
    }

    func stopping() {
        vitals.enter(.stopping)
        notifier?.stopping()
    }

    /// The words change every second, with how long it lasts; the log hears of new reasons only.
    private func announce(_ health: HealthReport, after last: HealthReport) {
        if health.line != last.line { notifier?.status(health.line) }
        guard health.reasons.map(\.kind) != last.reasons.map(\.kind) else { return }
        guard !health.isReady else { return log.info("ready again") }
        for reason in health.reasons {
            log.repeated(
                "not ready",
                kind: "\(reason.kind)",
                ["reason": reason.what, "remedy": reason.remedy]
            )
        }
    }

    /// Often enough that a watchdog hears from us twice within its time.
    private var interval: Duration {
        guard let watchdog = notifier?.watchdogInterval else { return Self.tick }
        return min(Self.tick, watchdog / 4)
    }
}
