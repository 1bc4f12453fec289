import Posix

extension SystemProcess {
    /// True under nohup: whoever started the process wants it to outlive the terminal. Waiting for
    /// the signal would see it all the same, so this must be asked first.
    static var ignoresHangUp: Bool {
        let status = smallFile("/proc/self/status")
        let line = status.split(separator: "\n").first { $0.hasPrefix("SigIgn:") }
        guard let mask = line?.split(separator: "\t").last.flatMap({ UInt64($0, radix: 16) }) else {
            return false
        }
        return mask & 1 == 1  // Signal 1 is the lowest bit.
    }
}
