import Foundation

/// This box's own readings, from /proc and /sys. What a box does not have is left out.
struct BoxReadings {
    private let host: String
    private var previousNetwork: [String: (received: Int, sent: Int)] = [:]

    init() {
        let name = text(of: "/proc/sys/kernel/hostname") ?? "box"
        host = String(name.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "_" })
    }

    mutating func read() -> [Reading] {
        [load(), memory(), disk()].compactMap { $0 } + network() + temperatures()
    }

    private func load() -> Reading? {
        let fields = text(of: "/proc/loadavg")?.split(separator: " ") ?? []
        guard fields.count >= 3 else { return nil }
        return reading(
            "load",
            "{\"load1\":\(fields[0]),\"load5\":\(fields[1]),\"load15\":\(fields[2])}"
        )
    }

    private func memory() -> Reading? {
        var kibibytes: [Substring: Int] = [:]
        for line in (text(of: "/proc/meminfo") ?? "").split(separator: "\n") {
            let fields = line.split(whereSeparator: { $0 == ":" || $0 == " " })
            guard fields.count >= 2, let value = Int(fields[1]) else { continue }
            kibibytes[fields[0]] = value
        }
        guard let total = kibibytes["MemTotal"], let free = kibibytes["MemAvailable"] else {
            return nil
        }
        return reading("memory", "{\"total_kib\":\(total),\"available_kib\":\(free)}")
    }

    private func disk() -> Reading? {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: "/")
        guard let total = (attributes?[.systemSize] as? NSNumber)?.int64Value,
            let free = (attributes?[.systemFreeSize] as? NSNumber)?.int64Value
        else { return nil }
        return reading("disk", "{\"total_bytes\":\(total),\"free_bytes\":\(free)}")
    }

    /// Bytes since the last reading, an interface each.
    private mutating func network() -> [Reading] {
        let lines = (text(of: "/proc/net/dev") ?? "").split(separator: "\n").dropFirst(2)
        return lines.compactMap { line in
            let fields = line.split(whereSeparator: { $0 == " " || $0 == ":" })
            guard fields.count >= 10, let received = Int(fields[1]), let sent = Int(fields[9])
            else {
                return nil
            }
            let name = String(fields[0])
            let before = previousNetwork.updateValue((received, sent), forKey: name)
            guard let before, received >= before.received, sent >= before.sent else { return nil }
            let rate =
                "\"rx_bytes\":\(received - before.received),\"tx_bytes\":\(sent - before.sent)"
            return reading("network/\(name)", "{\(rate)}")
        }
    }

    private func temperatures() -> [Reading] {
        let folder = "/sys/class/thermal"
        let zones = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return zones.filter { $0.hasPrefix("thermal_zone") }.sorted().compactMap { zone in
            let raw = text(of: "\(folder)/\(zone)/temp").flatMap(Double.init)
            guard let raw else { return nil }
            let kind = text(of: "\(folder)/\(zone)/type") ?? zone
            let name = String(kind.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "_" })
            return reading("temperature/\(name)", "{\"celsius\":\(raw / 1_000)}")
        }
    }

    private func reading(_ name: String, _ payload: String) -> Reading {
        Reading(topic: "box/\(host)/\(name)", payload: payload)
    }
}

/// A small file's text without its last line end; nil when it can't be read.
private func text(of path: String) -> String? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
}
