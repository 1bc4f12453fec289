import BrokerModel

extension FileSystem {
    /// Replaces a small file so that after a crash either the old or the new text is there, whole:
    /// written beside it, synced, renamed over it, and the directory synced.
    package func replaceText(
        of name: String,
        in folder: String,
        with text: String
    ) throws(FileSystemError) {
        var bytes = ByteWriter(capacity: text.utf8.count)
        bytes.writeUTF8(text)
        try replaceBytes(of: name, in: folder, with: bytes.bytes)
    }

    /// The same for a file that is not text.
    package func replaceBytes(
        of name: String,
        in folder: String,
        with bytes: UnsafeRawBufferPointer
    ) throws(FileSystemError) {
        let target = folder + "/" + name
        let unfinished = target + SegmentFiles.unfinishedSuffix
        let file = try openOrCreate(unfinished)
        try file.truncate(to: .zero)
        try file.write(bytes, at: .zero)
        try file.sync()
        try rename(unfinished, to: target)
        try syncDirectory(folder)
    }

    /// Writes and syncs a small file that must not exist, in a folder that does not count yet.
    func createText(_ text: String, at path: String) throws(FileSystemError) {
        var bytes = ByteWriter(capacity: text.utf8.count)
        bytes.writeUTF8(text)
        let file = try open(path, .create)
        try file.write(bytes.bytes, at: .zero)
        try file.sync()
    }

    /// Nil when the file does not exist.
    package func text(of path: String) throws(FileSystemError) -> String? {
        let file: any File
        do throws(FileSystemError) {
            file = try open(path, .read)
        } catch {
            guard error.reason == .notFound else { throw error }
            return nil
        }
        var bytes = ByteWriter()
        let size = min(try file.size().rawValue, 1 << 20)
        try bytes.writeUpTo(size) { buffer throws(FileSystemError) in
            try file.read(at: .zero, into: buffer)
        }
        return String(decoding: bytes.bytes, as: UTF8.self)
    }
}
