import BrokerModel
import Posix

/// A recording's or another input's bytes, a chunk at a time, so that memory does not grow with the
/// file.
package final class ReplaySource {
    private static let chunkBytes = 256 << 10
    /// How long a pipe may be silent before somebody looks whether we are to stop.
    private static let patience = Duration.milliseconds(100)

    private let name: String
    private let stream: ByteStream
    /// Asked while nothing comes; true ends the recording.
    private let isInterrupted: () -> Bool
    private let buffer: UnsafeMutableRawBufferPointer
    private var position = 0
    private var end = 0
    private var bytesRead = 0
    private(set) var wasInterrupted = false

    /// `flag` is how the operator named the path, for errors.
    package init(
        path: String,
        flag: String = "--replay",
        isInterrupted: @escaping () -> Bool
    ) throws(Failure) {
        name = "\(flag) \(path)"
        self.isInterrupted = isInterrupted
        do throws(PosixError) {
            stream = path == "-" ? ByteStream() : try ByteStream(path: path)
        } catch {
            throw .input("\(name): \(error.reason)")
        }
        buffer = .allocate(byteCount: Self.chunkBytes, alignment: 16)
    }

    deinit { buffer.deallocate() }

    /// The whole file's size; nil when it has none.
    var size: Int? { stream.size }

    var bytesTaken: Int { bytesRead - (end - position) }

    /// Whether the next byte has to be waited for, or at least asked for.
    var isDrained: Bool { position == end }

    /// The next byte; nil at the end.
    @inline(__always)
    func next() throws(Failure) -> UInt8? {
        if position == end, try !fill() { return nil }
        defer { position &+= 1 }
        return buffer[position]
    }

    /// The next byte, without taking it.
    func peek() throws(Failure) -> UInt8? {
        if position == end, try !fill() { return nil }
        return buffer[position]
    }

    /// What has been read and not taken, up to the line's end.
    func restOfLine() throws(Failure) -> String {
        guard try peek() != nil else { return "" }
        let rest = UnsafeRawBufferPointer(buffer)[position..<end]
        return String(decoding: rest.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// A line without its end: nil at the end of the input, and nil inside when it is too long.
    func readLine(bytesMax: Int) throws(Failure) -> [UInt8]?? {
        var bytes: [UInt8] = []
        var size = 0
        while let byte = try next() {
            size += 1
            if byte == UInt8(ascii: "\n") { break }
            if size <= bytesMax { bytes.append(byte) }
        }
        guard size > 0 else { return .none }
        guard size <= bytesMax + 1 else { return .some(nil) }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        return .some(bytes)
    }

    private func fill() throws(Failure) -> Bool {
        while !wasInterrupted {
            let count: Int?
            do throws(PosixError) {
                count = try stream.read(into: buffer, timeout: Self.patience)
            } catch {
                throw .input("\(name): \(error.reason)")
            }
            if let count {
                (position, end) = (0, count)
                bytesRead += count
                return count > 0
            }
            wasInterrupted = isInterrupted()
        }
        return false
    }
}
