import Foundation

/// A broker's process as `/proc` shows it. Nothing of it is known without a process id.
struct BrokerProcess {
    struct Reading: Codable {
        var cpuSeconds = 0.0
        /// Bytes: resident, of them private, and the most that ever was resident.
        var residentBytes = 0
        var privateBytes = 0
        var peakResidentBytes = 0
        /// Bytes that the process sent on to the disk.
        var writtenBytes = 0
    }

    let processID: Int32?

    /// Nil when there is no such process, or none was named.
    func reading() -> Reading? {
        guard let processID else { return nil }
        let folder = "/proc/\(processID)"
        guard let stat = try? String(contentsOfFile: folder + "/stat", encoding: .utf8),
            let end = stat.lastIndex(of: ")")
        else { return nil }
        // Behind the name in brackets: fields 3 and on; 14 and 15 are user and system ticks.
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12])
        else { return nil }
        var reading = Reading()
        reading.cpuSeconds = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        let rollup = Self.kibibytes(in: folder + "/smaps_rollup")
        let status = Self.kibibytes(in: folder + "/status")
        reading.residentBytes = rollup["Rss"] ?? status["VmRSS"] ?? 0
        reading.privateBytes = (rollup["Private_Clean"] ?? 0) + (rollup["Private_Dirty"] ?? 0)
        reading.peakResidentBytes = status["VmHWM"] ?? reading.residentBytes
        reading.writtenBytes = Self.written(in: folder + "/io")
        return reading
    }

    /// Resident memory alone, which is cheap to ask for.
    func residentBytes() -> Int {
        guard let processID,
            let text = try? String(contentsOfFile: "/proc/\(processID)/statm", encoding: .utf8)
        else { return 0 }
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return (pages ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// `Name:   123 kB` lines, as bytes.
    private static func kibibytes(in path: String) -> [String: Int] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [:] }
        var found: [String: Int] = [:]
        for line in text.split(separator: "\n") where line.hasSuffix(" kB") {
            let words = line.split(separator: ":")
            let number = words.last?.split(separator: " ").first.flatMap { Int($0) }
            if let name = words.first, let number { found[String(name)] = number << 10 }
        }
        return found
    }

    private static func written(in path: String) -> Int {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return 0 }
        let line = text.split(separator: "\n").first { $0.hasPrefix("write_bytes: ") }
        return line.flatMap { Int($0.dropFirst("write_bytes: ".count)) } ?? 0
    }
}
