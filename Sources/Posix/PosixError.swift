import CPosix
import Glibc

/// A system call that failed, and with which errno.
public struct PosixError: Error, Hashable, CustomStringConvertible {
    public let code: Int32
    /// The call's name in the manual: `bind`, `fdatasync`.
    public let call: String

    public init(code: Int32, call: String) {
        self.code = code
        self.call = call
    }

    /// What errno holds after a call that just failed.
    package static func last(_ call: String) -> PosixError {
        PosixError(code: errno, call: call)
    }

    /// The operating system's sentence for the code.
    public var reason: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { text in
            guard let start = text.baseAddress else { return "error \(code)" }
            _ = cposix_error_text(code, start, text.count)
            return String(cString: start)
        }
    }

    public var description: String { "\(call): \(reason)" }

    /// Passes a shim's answer on, or throws the negative errno that it holds.
    @discardableResult
    static func check<Answer: SignedInteger>(
        _ answer: Answer,
        _ call: String
    ) throws(PosixError) -> Answer {
        guard answer < 0 else { return answer }
        throw PosixError(code: Int32(-answer), call: call)
    }
}

/// The codes that callers tell apart.
package enum ErrorCode {
    package static let accessDenied = EACCES
    package static let addressInUse = EADDRINUSE
    package static let addressUnavailable = EADDRNOTAVAIL
    package static let brokenPipe = EPIPE
    package static let connectionAborted = ECONNABORTED
    package static let connectionRefused = ECONNREFUSED
    package static let connectionReset = ECONNRESET
    package static let notPermitted = EPERM
    package static let timedOut = ETIMEDOUT
    package static let tooManyOpenFiles = EMFILE
    package static let tooManyOpenFilesInSystem = ENFILE
    package static let wouldBlock = EAGAIN
}
