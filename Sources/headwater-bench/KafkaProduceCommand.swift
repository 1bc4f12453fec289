import ArgumentParser
import BrokerModel
import Posix
import RecordFormat

struct KafkaProduceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kafka-produce",
        abstract: "Produce to a Kafka topic, and check answers and offsets.",
        discussion: """
            Nobody else may write to the topic meanwhile: the offsets are counted.

            EXAMPLES
              headwater-bench kafka-produce --topic load --seconds 4
              headwater-bench kafka-produce --topic load --codec zstd
              headwater-bench kafka-produce --topic load --records 1 --connections 8
            """
    )

    @Option(help: ArgumentHelp("The broker's Kafka listener.", valueName: "HOST:PORT"))
    var kafka = "127.0.0.1:9092"

    @Option(help: "The topic; asking for a missing one may create it.")
    var topic = "bench"

    @Option(help: "Makes the topic with so many partitions, unless it is there.")
    var partitions: Int32?

    @Option(help: "Producing connections.")
    var connections = 1

    @Option(help: "Requests in flight on each.")
    var inFlight = 5

    @Option(help: "Records a request.")
    var records = 1_000

    @Option(help: "Bytes of each record's value, 64 or more.")
    var payload = 200

    @Option(help: "none or zstd.")
    var codec = "none"

    @Option(parsing: .unconditional, help: "-1 for all, 1 for the leader, 0 for no answer.")
    var acks: Int16 = -1

    @Option(help: "Produce for so long.")
    var seconds: Double?

    @Option(help: "Produce so many requests in all.")
    var requests: Int?

    @Option(help: "Records a second in all, on a schedule that waits for no answer.")
    var rate: Double?

    @OptionGroup var broker: BrokerOptions

    func validate() throws {
        guard codec == "none" || codec == "zstd" else {
            throw ValidationError("--codec takes none or zstd")
        }
        guard (-1...1).contains(acks) else { throw ValidationError("--acks takes -1, 0 or 1") }
        guard connections > 0, connections <= 10_000, inFlight > 0, inFlight <= 10_000, records > 0,
            payload >= PayloadPattern.sizeMin, records * payload <= 16 << 20
        else {
            throw ValidationError(
                "--connections and --in-flight take 1 to 10000, --records 1 or more, --payload 64 "
                    + "or more, and a request at most 16 MiB"
            )
        }
        if let rate, rate <= 0 { throw ValidationError("--rate takes a number above 0") }
    }

    func run() throws {
        var plan = KafkaProducePlan(address: try address(kafka, "--kafka"), topic: topic)
        plan.connections = connections
        plan.inFlight = inFlight
        plan.recordsEach = records
        plan.payloadBytes = payload
        plan.codec = codec == "zstd" ? .zstd : .none
        plan.acks = acks
        plan.requestsEach = requests.map { ($0 + connections - 1) / connections }
        plan.seconds = requests == nil ? seconds ?? 5 : seconds
        plan.rate = rate
        plan.patience = broker.patience
        _ = try SystemProcess.raiseDescriptorLimit(to: connections + 64)
        if let partitions {
            try KafkaTopic.create(topic, partitions: partitions, at: plan.address)
        }
        let process = BrokerProcess(processID: broker.brokerPid)
        var report = try KafkaProduceLoad(plan, broker: process).run()
        report.durability = broker.durability(of: topic, askedAt: plan.address)
        try show(report, text: report.text, json: broker.json)
        if !report.isRight { throw ExitCode(1) }
    }
}
