import CPosix
import Glibc

/// A file, a pipe or a terminal that is read once, from where it stands to its end.
package final class ByteStream {
    private let descriptor: Int32
    private let isOwned: Bool
    /// What is left to read at most; nil for what has no size, such as a pipe.
    package let size: Int?

    /// Opens a file. A folder is an error, as reading from it would be.
    package init(path: String) throws(PosixError) {
        let opened = cposix_file_open(path, Int32(CPOSIX_OPEN_READ.rawValue))
        try PosixError.check(opened, "open")
        descriptor = opened
        isOwned = true
        size = Self.size(of: opened)
    }

    /// This process's standard input.
    package init() {
        descriptor = 0
        isOwned = false
        size = Self.size(of: 0)
    }

    deinit { if isOwned { cposix_file_close(descriptor) } }

    /// The next bytes, as many as there are up to the buffer's size; zero at the end, nil when none
    /// came in time.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer,
        timeout: Duration
    ) throws(PosixError) -> Int? {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let milliseconds =
            Int32(clamping: timeout.components.seconds * 1_000)
            + Int32(timeout.components.attoseconds / 1_000_000_000_000_000)
        let ready = poll(&wanted, 1, milliseconds)
        if ready == 0 || ready < 0 && errno == EINTR { return nil }
        let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        guard count >= 0 else {
            if errno == EINTR { return nil }
            throw .last("read")
        }
        return count
    }

    private static func size(of descriptor: Int32) -> Int? {
        let size = cposix_file_size(descriptor)
        return size > 0 ? Int(size) : nil
    }
}
