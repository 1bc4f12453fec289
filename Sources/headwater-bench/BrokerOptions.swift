import ArgumentParser
import BrokerModel
import Posix

/// What every load has to know of the broker, and how it tells its findings.
struct BrokerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The broker's process, to measure it.", valueName: "PID"))
    var brokerPid: Int32?

    @Option(
        help: ArgumentHelp(
            "What is known of the broker's durability. Without it a Kafka broker is asked.",
            valueName: "TEXT"
        )
    )
    var durability: String?

    @Flag(help: "Print one line of JSON.")
    var json = false

    @Option(
        help: ArgumentHelp("A run in which nothing comes for so long ends.", valueName: "SECONDS")
    )
    var patience = 10.0

    /// What was given; else what a Kafka listener says of `topic`; else that nobody said.
    func durability(of topic: String, askedAt kafka: SocketAddress?) -> String {
        if let durability { return durability }
        guard let kafka else { return "unknown: nobody was asked" }
        do throws(LoadError) {
            return try KafkaTopic.durability(of: topic, at: kafka)
        } catch {
            return "unknown: \(error)"
        }
    }
}

/// A name that no other run has.
func freshRunName() -> String {
    let clock = UInt64(bitPattern: SystemClock.monotonicNanoseconds)
    return String(clock ^ UInt64(SystemProcess.id) << 44, radix: 36)
}

func address(_ text: String, _ flag: String) throws -> SocketAddress {
    do throws(SocketAddressError) {
        return try SocketAddress(text)
    } catch {
        throw ValidationError("\(flag) \(text): \(error)")
    }
}
