import CPosix

/// Tells the service manager how the service does, by systemd's protocol (sd_notify(3)): datagrams
/// of `KEY=VALUE` lines to the socket that `NOTIFY_SOCKET` names.
package struct ServiceNotifier: Sendable {
    private let socket: String
    /// Within which the manager wants to hear `watchdog`; nil when it does not watch.
    package let watchdogInterval: Duration?

    /// Nil when no manager listens.
    package init?() {
        guard let socket = SystemProcess.environment("NOTIFY_SOCKET") else { return nil }
        self.init(
            socket: socket,
            watchdogMicroseconds: SystemProcess.environment("WATCHDOG_USEC"),
            watchdogProcess: SystemProcess.environment("WATCHDOG_PID")
        )
    }

    /// The watchdog is this process's only if its id is given, or none at all.
    package init?(socket: String, watchdogMicroseconds: String?, watchdogProcess: String?) {
        guard socket.hasPrefix("/") || socket.hasPrefix("@") else { return nil }
        self.socket = socket
        let isForUs = watchdogProcess.map { $0 == String(SystemProcess.id) } ?? true
        let microseconds = watchdogMicroseconds.flatMap { Int64($0) } ?? 0
        watchdogInterval = isForUs && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    package func ready(status: String) { send("READY=1\nSTATUS=\(Self.line(status))") }
    package func status(_ text: String) { send("STATUS=\(Self.line(text))") }
    package func watchdog() { send("WATCHDOG=1") }
    package func stopping() { send("STOPPING=1\nSTATUS=stopping") }

    /// A manager that takes no message must not hold up its service.
    private func send(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            guard let start = utf8.baseAddress else { return }
            _ = start.withMemoryRebound(to: CChar.self, capacity: utf8.count) {
                cposix_notify(socket, $0, utf8.count)
            }
        }
    }

    private static func line(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }
}
