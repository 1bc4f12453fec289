// headwater-bench puts a load on a broker and checks every answer: wrong and fast is not fast.
//
// `MQTTCommand` and `IdleCommand` drive an MQTT broker, ours or any other; `KafkaProduceCommand`
// and `KafkaFetchCommand` a Kafka one; `MicroCommand` measures codecs and the log in this process.
// A load runs on one thread over one epoll (`MQTTLoad`), cheap enough a message that the broker is
// the limit. What the broker answers is checked as it comes: each acknowledgement's identifier,
// order and reason, each delivery's publisher, sequence and contents. A run that saw one wrong
// answer ends with exit code 1, whatever its speed.
//
// Latencies of an open loop (`--rate`) count from the moment at which a message was due, not from
// the moment at which it could leave: a broker that stalls cannot hide it.
import ArgumentParser

@main
struct HeadwaterBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "headwater-bench",
        abstract: "Put a load on a broker, and check every answer.",
        subcommands: [
            MQTTCommand.self, IdleCommand.self, KafkaProduceCommand.self, KafkaFetchCommand.self,
            MicroCommand.self,
        ]
    )
}
