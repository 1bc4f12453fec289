import BrokerModel
import CommitLog

/// The files of a simulated machine: for each, what programs see, and what a power cut would leave.
///
/// Knows no faults and counts no calls; `SimulatedFileSystem` does, and holds its lock around every
/// use of the disk: therefore unchecked.
final class SimulatedDisk: @unchecked Sendable {
    /// A change to a file that no sync has confirmed yet.
    enum Write {
        case bytes(SimulatedBytes, position: Int)
        case size(Int)
    }

    /// A change to a directory that no sync has confirmed yet.
    enum NameChange {
        case set(String, Int)
        case remove(String)
        case rename(String, to: String, Int)
    }

    final class Node {
        let isDirectory: Bool
        // A file's.
        var current = SimulatedBytes()
        var durable = SimulatedBytes()
        var pending: [Write] = []
        var preallocated = 0
        // A directory's.
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        var pendingNames: [NameChange] = []

        init(isDirectory: Bool) { self.isDirectory = isDirectory }
    }

    static let root = 0
    private(set) var nodes: [Node] = [Node(isDirectory: true)]
    private(set) var bytesUsed = 0

    init() {}

    // MARK: Names

    func find(_ path: String) -> Int? {
        var node = Self.root
        for name in path.split(separator: "/") {
            guard nodes[node].isDirectory, let next = nodes[node].names[String(name)] else {
                return nil
            }
            node = next
        }
        return node
    }

    /// The directory that holds `path`, and the last part of it.
    func parent(of path: String) -> (directory: Node, name: String)? {
        guard let slash = path.lastIndex(of: "/"), let parent = find(String(path[..<slash])),
            nodes[parent].isDirectory
        else { return nil }
        return (nodes[parent], String(path[path.index(after: slash)...]))
    }

    func add(_ name: String, to directory: Node, isDirectory: Bool) -> Int {
        nodes.append(Node(isDirectory: isDirectory))
        apply(.set(name, nodes.count - 1), to: directory)
        return nodes.count - 1
    }

    func apply(_ change: NameChange, to directory: Node) {
        Self.apply(change, to: &directory.names)
        directory.pendingNames.append(change)
    }

    func syncNames(_ directory: Node) {
        directory.durableNames = directory.names
        directory.pendingNames.removeAll()
    }

    static func apply(_ change: NameChange, to names: inout [String: Int]) {
        switch change {
        case .set(let name, let node): names[name] = node
        case .remove(let name): names[name] = nil
        case .rename(let name, let target, let node):
            names[name] = nil
            names[target] = node
        }
    }

    // MARK: Contents

    func write(_ bytes: UnsafeRawBufferPointer, to file: Node, at position: Int) {
        guard bytes.count > 0 else { return }
        let before = file.current.count
        file.current.write(bytes, at: position)
        bytesUsed += file.current.count - before
        file.pending.append(.bytes(SimulatedBytes(bytes), position: position))
    }

    func truncate(_ file: Node, to size: Int) {
        file.preallocated = 0
        guard size != file.current.count else { return }
        bytesUsed += size - file.current.count
        file.current.truncate(to: size)
        file.pending.append(.size(size))
    }

    func sync(_ file: Node) {
        for write in file.pending { Self.apply(write, to: file.durable) }
        file.pending.removeAll()
    }

    /// What Linux does on a failed sync: pages count as clean that are not on the disk, and no
    /// later sync writes them. Here it is every other write.
    func failSync(_ file: Node) {
        var isLost = false
        file.pending.removeAll { write in
            guard case .bytes = write else { return false }
            isLost.toggle()
            return isLost
        }
    }

    static func apply(_ write: Write, to bytes: SimulatedBytes) {
        switch write {
        case .bytes(let source, let position): bytes.write(source.bytes, at: position)
        case .size(let size): bytes.truncate(to: size)
        }
    }
}
