import ArgumentParser
import BrokerModel
import KafkaWire
import Posix

struct KafkaFetchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kafka-fetch",
        abstract: "Read a topic that kafka-produce filled, and check its records.",
        discussion: """
            EXAMPLES
              headwater-bench kafka-fetch --topic load
              headwater-bench kafka-fetch --topic load --connections 8 --check batches
            """
    )

    @Option(help: ArgumentHelp("The broker's Kafka listener.", valueName: "HOST:PORT"))
    var kafka = "127.0.0.1:9092"

    @Option(help: "The topic.")
    var topic = "bench"

    @Option(help: "Consumers, each of which reads everything.")
    var connections = 1

    @Option(help: "Bytes of each record's value, as they were produced.")
    var payload = 200

    @Option(help: "records: each one's contents. batches: offsets and checksums alone.")
    var check = "records"

    @OptionGroup var broker: BrokerOptions

    func validate() throws {
        guard check == "records" || check == "batches" else {
            throw ValidationError("--check takes records or batches")
        }
        guard (1...10_000).contains(connections), payload >= PayloadPattern.sizeMin else {
            throw ValidationError("--connections takes 1 to 10000, --payload 64 or more")
        }
    }

    func run() throws {
        let address = try address(kafka, "--kafka")
        let found = try KafkaTopic(topic, at: address)
        let starts = try found.offsets(at: ListOffsetsPlace.earliest)
        let ends = try found.offsets(at: ListOffsetsPlace.latest)
        let epoll = try Epoll()
        let consumers = try (0..<connections).map { index in
            let socket = try LoadSocket(to: address)
            try socket.watch(by: epoll, tag: UInt64(index))
            return KafkaConsumer(
                socket,
                topic: topic,
                from: starts,
                to: ends,
                payloadBytes: payload,
                checksRecords: check == "records"
            )
        }
        var report = run(consumers, epoll)
        report.durability = broker.durability(of: topic, askedAt: address)
        let owed = ends.reduce(0) { $0 + Int($1.value.rawValue - (starts[$1.key]?.rawValue ?? 0)) }
        if report.faults.isEmpty, report.records < owed * connections {
            report.faults.append("\(report.records) records of \(owed * connections)")
        }
        try show(report, text: report.text, json: broker.json)
        if !report.isRight { throw ExitCode(1) }
    }

    private func run(_ consumers: [KafkaConsumer], _ epoll: Epoll) -> KafkaReport {
        let process = BrokerProcess(processID: broker.brokerPid)
        let before = process.reading()
        let start = SystemClock.monotonicNanoseconds
        var latencies = LatencyRecord()
        var lastProgress = start
        for consumer in consumers { consumer.ask(now: start) }
        while consumers.contains(where: { $0.socket.isOpen && !$0.isFinished }),
            SystemClock.monotonicNanoseconds - lastProgress < Int64(broker.patience * 1e9)
        {
            for index in 0..<epoll.wait(milliseconds: 100) {
                let (tag, ready) = epoll.event(at: index)
                let consumer = consumers[Int(tag)]
                guard consumer.socket.isOpen else { continue }
                if ready.contains(.output) { consumer.socket.flush() }
                var isAnswered = false
                consumer.socket.receiveLarge { input in
                    let now = SystemClock.monotonicNanoseconds
                    lastProgress = now
                    let consumed = consumer.received(input, now: now, latencies: &latencies)
                    isAnswered = consumed > 0
                    return consumed
                }
                if isAnswered { consumer.ask(now: SystemClock.monotonicNanoseconds) }
                consumer.socket.watchOutput(!consumer.socket.isDrained)
            }
        }
        var report = KafkaReport(
            name: "kafka-fetch/\(connections) consumers/\(payload)B/\(check)",
            seconds: Double(lastProgress - start) / 1e9,
            records: consumers.reduce(0) { $0 + $1.records }
        )
        report.latency = latencies.summary()
        report.measure(before, process.reading())
        report.faults = consumers.flatMap(\.faults)
        let lost = consumers.count { !$0.socket.isOpen }
        if lost > 0 { report.faults.append("\(lost) connections lost") }
        return report
    }
}
