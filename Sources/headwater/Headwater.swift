// headwater is the one executable: the broker and every operator command.
//
// Start at `ServeCommand` for the broker; `BrokerGraph` is the only file that knows every module.
// `DemoCommand`, `TailCommand`, `ProduceCommand`, `ConsumeCommand`, `TopicsCommand`,
// `GroupsCommand` and `StatusCommand` are clients like any other: they talk MQTT, Kafka and HTTP
// over sockets.

import ArgumentParser

@main
struct Headwater: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "headwater",
        abstract: "MQTT in, a durable Kafka-format log on this box, any Kafka client out.",
        discussion: """
            EXAMPLES
              headwater serve            broker on 127.0.0.1, MQTT 1883, Kafka 9092
              headwater demo             publish this box's readings and a small plant
              headwater tail mqtt        watch the records arrive
              headwater topics list      what there is to read
              headwater produce mqtt     write what you type, a record a line
              headwater consume mqtt --group g    read, and go on there the next time
              headwater groups list      who reads
              headwater status           how a running broker does
              headwater config describe  every key with default and range
            """,
        version: "0.1.0",
        subcommands: [
            ServeCommand.self, DemoCommand.self, TailCommand.self, ProduceCommand.self,
            ConsumeCommand.self, TopicsCommand.self, GroupsCommand.self, StatusCommand.self,
            ConfigCommand.self,
        ]
    )
}
