import ArgumentParser
import BrokerModel
import Posix

/// What every load has to know of the broker, and how it tells its findings.
struct BrokerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The broker's process, to measure it.", valueName: "PID"))
    var brokerPid: Int32?

    @Option(
        help: ArgumentHelp("What the broker's settings promise, for the report.", valueName: "TEXT")
    )
    var durability = "unknown"

    @Flag(help: "Print one line of JSON.")
    var json = false

    @Option(
        help: ArgumentHelp("A run in which nothing comes for so long ends.", valueName: "SECONDS")
    )
    var patience = 10.0
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
