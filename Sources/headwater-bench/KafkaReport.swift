/// What a Kafka run found, for people and as JSON.
struct KafkaReport: Codable {
    var name: String
    var durability = "unknown"
    var seconds: Double
    var records: Int
    var recordsPerSecond: Double
    /// Of a request, from the moment it was due to its answer.
    var latency: LatencySummary?
    var wireBytesPerRecord: Double?
    var cpuMicrosecondsPerRecord: Double?
    var writtenBytesPerRecord: Double?
    var memory: BrokerProcess.Reading?
    var faults: [String] = []

    var isRight: Bool { faults.isEmpty }

    init(name: String, seconds: Double, records: Int) {
        self.name = name
        self.seconds = seconds
        self.records = records
        recordsPerSecond = Double(records) / max(seconds, 1e-9)
    }

    mutating func measure(_ before: BrokerProcess.Reading?, _ after: BrokerProcess.Reading?) {
        memory = after
        guard records > 0, let before, let after else { return }
        cpuMicrosecondsPerRecord = (after.cpuSeconds - before.cpuSeconds) * 1e6 / Double(records)
        writtenBytesPerRecord = Double(after.writtenBytes - before.writtenBytes) / Double(records)
    }

    var text: String {
        var lines = ["\(name)    durability: \(durability)"]
        lines.append("  \(whole(recordsPerSecond)) records/s, \(records) over \(short(seconds)) s")
        if let latency { lines.append("  answered after \(line(latency))") }
        if let cpuMicrosecondsPerRecord {
            lines.append("  broker: \(short(cpuMicrosecondsPerRecord)) µs CPU a record")
        }
        if let memory {
            lines.append(
                "  broker memory: \(mebibytes(memory.residentBytes)) resident, "
                    + "\(mebibytes(memory.privateBytes)) private, "
                    + "\(mebibytes(memory.peakResidentBytes)) peak"
            )
        }
        lines += faults.map { "  WRONG: \($0)" }
        return lines.joined(separator: "\n")
    }
}
