import CPosix
import Glibc

/// This process, as the operating system sees it.
package enum SystemProcess {
    package static var id: Int32 { getpid() }
    package static var userID: UInt32 { getuid() }

    /// One variable of the environment. Nobody here ever changes it, so reading needs no lock.
    package static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Raises the limit of open descriptors as far as allowed, and says what it is now.
    package static func raiseDescriptorLimit(to wanted: Int) throws(PosixError) -> Int {
        var granted: UInt64 = 0
        let answer = cposix_raise_descriptor_limit(UInt64(max(0, wanted)), &granted)
        try PosixError.check(answer, "setrlimit")
        return Int(clamping: granted)
    }

    /// How many descriptors this process may open now; few where nobody can tell.
    package static var descriptorLimit: Int {
        do throws(PosixError) {
            return try raiseDescriptorLimit(to: 0)  // Never lowers it.
        } catch {
            return 256
        }
    }

    /// Bytes that nobody can guess.
    package static func randomBytes(_ count: Int) throws(PosixError) -> [UInt8] {
        var answer: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            guard let start = buffer.baseAddress else { return }
            answer = cposix_random(start, buffer.count)
            filled = answer == 0 ? buffer.count : 0
        }
        try PosixError.check(answer, "getrandom")
        return bytes
    }
}

/// Standard output and standard error, unbuffered: what was written is seen, also by a pipe.
package enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    package var isTerminal: Bool { isatty(rawValue) == 1 }
    /// Whether somebody sits at standard input who can be asked.
    package static var inputIsTerminal: Bool { isatty(0) == 1 }

    /// Writes everything. `brokenPipe` says that the reader, such as `head`, has seen enough.
    package func write(_ text: String) throws(PosixError) {
        var text = text
        let failure = text.withUTF8 { writeAll(UnsafeRawBufferPointer($0)) }
        if let failure { throw failure }
    }

    package func write(_ bytes: [UInt8]) throws(PosixError) {
        let failure = bytes.withUnsafeBytes { writeAll($0) }
        if let failure { throw failure }
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer) -> PosixError? {
        var rest = bytes
        while let start = rest.baseAddress, !rest.isEmpty {
            let written = Glibc.write(rawValue, start, rest.count)
            if written < 0, errno == EINTR { continue }
            guard written >= 0 else { return .last("write") }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
        return nil
    }
}
