import BrokerModel

/// How cleaned segments take the place of others, so that a crash at any call leaves either the old
/// ones or the cleaned one, whole.
///
/// A cleaning writes `<base>.log.cleaned`, `.index.cleaned` and `.timeindex.cleaned`, and syncs
/// them. One rename decides: to `<base>.log.<end>.swap`, durable before anything else happens. From
/// then on whatever lies from `base` up to `end` is replaced, and a start finishes what is left to
/// do: the old files go, the indexes get their names, and once that is durable the data file.
enum SegmentSwap {
    static let cleanedSuffix = ".cleaned"
    /// Kafka's too, which does not say where the replaced segments end.
    static let swapSuffix = ".swap"

    static func cleanedName(_ base: Offset, _ kind: SegmentFiles.Kind) -> String {
        SegmentFiles.name(base, kind) + cleanedSuffix
    }

    static func swapName(_ base: Offset, end: Offset) -> String {
        SegmentFiles.name(base, .log) + "." + SegmentFiles.digits(of: end) + swapSuffix
    }

    /// Finishes the swaps that were decided, and removes what was not. Gives what the folder holds
    /// then; `entries` is what it holds now.
    static func settle(
        _ entries: [DirectoryEntry],
        in folder: String,
        _ fileSystem: any FileSystem
    ) throws(FileSystemError) -> [DirectoryEntry] {
        let names = entries.map(\.name)
        let swaps = names.filter { $0.hasSuffix(swapSuffix) }
        guard !swaps.isEmpty || names.contains(where: { $0.hasSuffix(cleanedSuffix) }) else {
            return entries
        }
        let unfinished = names.filter { $0.hasSuffix(cleanedSuffix) }.compactMap {
            SegmentFiles.parse(String($0.dropLast(cleanedSuffix.utf8.count)))?.baseOffset
        }.min()
        for name in swaps {
            guard let swap = try Swap(name, in: folder, fileSystem) else { continue }
            if swap.isKafkas, let unfinished, unfinished <= swap.base {
                // Half of a segment that Kafka was splitting: the whole one is there still.
                try fileSystem.removeFile(folder + "/" + name)
            } else {
                try finish(swap, names, in: folder, fileSystem)
            }
        }
        for entry in try fileSystem.list(folder)
        where entry.name.hasSuffix(cleanedSuffix) || entry.name.hasSuffix("index" + swapSuffix) {
            try fileSystem.removeFile(folder + "/" + entry.name)
        }
        return try fileSystem.list(folder)
    }

    private struct Swap {
        let name: String
        let base: Offset
        let end: Offset
        let isKafkas: Bool

        /// Nil for a file that is no data of a segment.
        init?(
            _ name: String,
            in folder: String,
            _ fileSystem: any FileSystem
        ) throws(FileSystemError) {
            let rest = String(name.dropLast(swapSuffix.utf8.count))
            self.name = name
            if let (base, kind) = SegmentFiles.parse(rest), kind == .log {
                self.base = base
                end = try Self.end(of: folder + "/" + name, fileSystem) ?? base + 1
                isKafkas = true
            } else if let dot = rest.lastIndex(of: "."),
                let (base, kind) = SegmentFiles.parse(String(rest[..<dot])), kind == .log,
                let end = Int64(rest[rest.index(after: dot)...])
            {
                self.base = base
                self.end = Offset(end)
                isKafkas = false
            } else {
                return nil
            }
        }

        /// Where the last batch of a file ends that Kafka has left.
        private static func end(
            of path: String,
            _ fileSystem: any FileSystem
        ) throws(FileSystemError) -> Offset? {
            let file = try fileSystem.open(path, .read)
            var cursor = BatchHeaderCursor(file, end: .zero + (try file.size()))
            var position = FilePosition.zero
            var end: Offset?
            while let header = try cursor.header(at: position) {
                end = header.nextOffset
                position = position + header.sizeInBytes
            }
            return end
        }
    }

    private static func finish(
        _ swap: Swap,
        _ names: [String],
        in folder: String,
        _ fileSystem: any FileSystem
    ) throws(FileSystemError) {
        for name in names {
            guard let (base, _) = SegmentFiles.parse(name), base > swap.base, base < swap.end else {
                continue
            }
            try fileSystem.removeFile(folder + "/" + name)
        }
        for kind in SegmentFiles.Kind.allCases where kind != .log {
            let target = SegmentFiles.name(swap.base, kind)
            if swap.isKafkas {
                // It may be the replaced segment's. Who needs one builds it from the data.
                if names.contains(target) { try fileSystem.removeFile(folder + "/" + target) }
                continue
            }
            // Without it the index there is the cleaned one already, or is built anew.
            let cleaned = cleanedName(swap.base, kind)
            guard names.contains(cleaned) else { continue }
            try fileSystem.rename(folder + "/" + cleaned, to: folder + "/" + target)
        }
        try fileSystem.syncDirectory(folder)
        let target = SegmentFiles.name(swap.base, .log)
        try fileSystem.rename(folder + "/" + swap.name, to: folder + "/" + target)
        try fileSystem.syncDirectory(folder)
    }
}
