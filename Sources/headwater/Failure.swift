import ArgumentParser
import Posix

/// Ends a command with one line that names the fix, and a code of its own (as in sysexits.h).
enum Failure: Error {
    case portBusy(String)
    case cannotConnect(String)
    case dataFolderUnwritable(String)
    case storage(String)
    case dataFolderInUse(String)
    case refusedUnsafe(String)
    case configuration(String)

    var line: String {
        switch self {
        case .portBusy(let line), .cannotConnect(let line), .dataFolderUnwritable(let line),
            .storage(let line), .dataFolderInUse(let line), .refusedUnsafe(let line),
            .configuration(let line):
            line
        }
    }

    var code: Int32 {
        switch self {
        case .cannotConnect: 68
        case .portBusy: 69
        case .dataFolderUnwritable: 73
        case .storage: 74
        case .dataFolderInUse: 75
        case .refusedUnsafe: 77
        case .configuration: 78
        }
    }
}

/// Runs a command's body; a `Failure` becomes its line on stderr and its exit code.
func exitingOnFailure(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let failure as Failure {
        writeStandardError("headwater: \(failure.line)\n")
        throw ExitCode(failure.code)
    }
}

/// The address of `HOST:PORT`, as a command's flag gave it.
func resolved(_ text: String, flag: String) throws(Failure) -> SocketAddress {
    do throws(SocketAddressError) {
        return try SocketAddress(text)
    } catch {
        throw .configuration("\(flag) \(text): \(error)")
    }
}

/// Writes to stderr. Nobody is left to tell when that fails.
func writeStandardError(_ text: String) {
    try? StandardStream.error.write(text)
}
