import BrokerModel
import CommitLog

/// What is deleted and still lies on the disk until its time has come: files of segments, and
/// folders of partitions. Removed a few files at a time, so that nothing waits for a long pass.
struct RemovalQueue {
    private enum Doomed {
        case file(String)
        case folder(String)
    }

    private var doomed: [(what: Doomed, due: MonotonicTime)] = []

    var isEmpty: Bool { doomed.isEmpty }
    var count: Int { doomed.count }
    /// When the next of them may go.
    var nextDue: MonotonicTime? { doomed.lazy.map(\.due).min() }

    mutating func add(file: String, due: MonotonicTime) { doomed.append((.file(file), due)) }
    mutating func add(folder: String, due: MonotonicTime) { doomed.append((.folder(folder), due)) }

    /// Forgets the files of a folder that goes itself, or is gone: another may come in its place.
    mutating func forgetFiles(in folder: String) {
        doomed.removeAll { entry in
            guard case .file(let path) = entry.what else { return false }
            return path.hasPrefix(folder + "/")
        }
    }

    /// Removes at most `limit` files of those that are due. What cannot be removed is tried again
    /// at the next start. True when more is due already.
    mutating func step(
        _ fileSystem: any FileSystem,
        now: MonotonicTime,
        limit: Int,
        failed: (FileSystemError) -> Void
    ) -> Bool {
        var left = limit
        while left > 0, let index = doomed.firstIndex(where: { $0.due <= now }) {
            do throws(FileSystemError) {
                switch doomed[index].what {
                case .file(let path):
                    left -= 1
                    try fileSystem.removeFile(path)
                    doomed.remove(at: index)
                case .folder(let path):
                    if try removeSome(of: path, fileSystem, &left) { doomed.remove(at: index) }
                }
            } catch {
                doomed.remove(at: index)
                if error.reason != .notFound { failed(error) }
            }
        }
        return doomed.contains { $0.due <= now }
    }

    /// True once the folder itself is gone.
    private func removeSome(
        of folder: String,
        _ fileSystem: any FileSystem,
        _ left: inout Int
    ) throws(FileSystemError) -> Bool {
        let entries = try fileSystem.list(folder)
        for entry in entries.prefix(left) {
            left -= 1
            try fileSystem.removeFile(folder + "/" + entry.name)
        }
        guard left > 0 else { return false }
        left -= 1
        try fileSystem.removeDirectory(folder)
        return true
    }
}
