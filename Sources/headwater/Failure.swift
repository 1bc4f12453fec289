import ArgumentParser
import Posix

/// Ends a command with one line that names the fix, and a code of its own (as in sysexits.h).
package enum Failure: Error {
    /// The broker was asked and said no, or the operator did.
    case refused(String)
    case portBusy(String)
    case cannotConnect(String)
    /// Arguments that prove wrong only once a file is read.
    case usage(String)
    case input(String)
    /// A file that holds nothing we can use.
    case unusable(String)
    case dataFolderUnwritable(String)
    case storage(String)
    case dataFolderInUse(String)
    case refusedUnsafe(String)
    case configuration(String)
    /// The machine refuses what every program needs: a thread, a descriptor.
    case system(any Error)

    var line: String {
        switch self {
        case .refused(let line), .portBusy(let line), .cannotConnect(let line),
            .usage(let line), .input(let line), .unusable(let line),
            .dataFolderUnwritable(let line),
            .storage(let line), .dataFolderInUse(let line), .refusedUnsafe(let line),
            .configuration(let line):
            line
        case .system(let error):
            "\(error); raise what this user or service may have: open files (ulimit -n), threads "
                + "(ulimit -u)"
        }
    }

    var code: Int32 {
        switch self {
        case .usage: 64
        case .refused, .unusable: 65
        case .input: 66
        case .cannotConnect: 68
        case .portBusy: 69
        case .dataFolderUnwritable: 73
        case .storage: 74
        case .dataFolderInUse: 75
        case .system: 71
        case .refusedUnsafe: 77
        case .configuration: 78
        }
    }
}

/// Runs a command's body; whatever it throws becomes one line on stderr and an exit code.
func exitingOnFailure(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let code as ExitCode {
        throw code
    } catch {
        let failure = error as? Failure ?? .system(error)
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
