import BrokerModel
import RecordFormat

/// Reads the batches of a sealed data file, one behind the other, each byte once, and believes none
/// whose checksum is wrong.
struct BatchStream: ~Copyable {
    private let path: String
    private let file: any File
    private let size: Int
    private var window = ByteWriter()
    /// Where the window's first byte lies in the file, and where the next batch lies in the window.
    private var windowStart = 0
    private var front = 0
    private(set) var bytesRead = ByteCount.zero
    /// Where the last batch lies.
    private(set) var position = FilePosition.zero

    init(_ path: String, _ fileSystem: any FileSystem) throws(CleaningError) {
        let opened: Result<(any File, Int), FileSystemError>
        do throws(FileSystemError) {
            let file = try fileSystem.open(path, .read)
            opened = .success((file, try file.size().rawValue))
        } catch {
            opened = .failure(error)
        }
        switch opened {
        case .success((let file, let size)):
            self.file = file
            self.size = size
            self.path = path
        case .failure(let error): throw .fileSystem(error)
        }
    }

    /// Valid until the next call; nil at the file's end.
    mutating func next() throws(CleaningError) -> RecordBatchView? {
        position = FilePosition(windowStart + front)
        while true {
            let rest = UnsafeRawBufferPointer(rebasing: window.bytes[front...])
            let claimed = RecordBatchView.claimedSize(in: rest)?.rawValue
            if let claimed, claimed <= rest.count {
                let batch = try batch(rest)
                front += batch.bytes.count
                return batch
            }
            let readTo = windowStart + window.count
            guard readTo < size else {
                guard rest.isEmpty else { throw damaged }
                return nil
            }
            guard claimed ?? 0 <= CommitLogLimits.batchBytesMax.rawValue else { throw damaged }
            let wanted = max((claimed ?? 0) - rest.count, CommitLogLimits.scanBytes)
            try readMore(min(wanted, size - readTo), at: readTo)
        }
    }

    private mutating func readMore(_ count: Int, at place: Int) throws(CleaningError) {
        windowStart += front
        window.removeFirst(front)
        front = 0
        let before = window.count
        do throws(FileSystemError) {
            try window.writeUpTo(count) { buffer throws(FileSystemError) in
                try file.read(at: FilePosition(place), into: buffer)
            }
        } catch {
            throw .fileSystem(error)
        }
        guard window.count > before else { throw damaged }  // Shorter than it said.
        bytesRead += ByteCount(window.count - before)
    }

    private func batch(_ bytes: UnsafeRawBufferPointer) throws(CleaningError) -> RecordBatchView {
        do throws(RecordFormatError) {
            if let batch = try RecordBatchView.first(in: bytes) {
                try batch.check(from: .log)
                return batch
            }
        } catch {}
        throw damaged
    }

    /// What the batch at `position` has shown to be.
    var damaged: CleaningError { .damaged(path: path, at: position) }
}
