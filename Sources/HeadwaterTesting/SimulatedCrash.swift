/// Builds what a disk could hold after a power cut: synced work stays, and of everything else each
/// piece is kept, lost or torn by itself, in any order.
struct SimulatedCrash {
    private static let sectorBytes = 512

    /// How a disk treated what was not synced. Some crashes are kind, some are not.
    private enum Temper {
        /// Everything reached the disk: a killed process, not a power cut.
        case kept
        case lost
        /// Up to some point, in order.
        case inOrder
        /// Each piece by itself.
        case scattered
    }

    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func survivors(of disk: SimulatedDisk) -> SimulatedDisk {
        let after = SimulatedDisk()
        var copied: [Int: Int] = [SimulatedDisk.root: SimulatedDisk.root]
        let temper: Temper? =
            switch generator.below(6) {
            case 0: .kept
            case 1: .lost
            default: nil  // Each file and directory its own.
            }
        copyDirectory(
            disk.nodes[SimulatedDisk.root],
            of: disk,
            to: SimulatedDisk.root,
            in: after,
            temper,
            &copied
        )
        return after
    }

    private mutating func copyDirectory(
        _ source: SimulatedDisk.Node,
        of disk: SimulatedDisk,
        to target: Int,
        in after: SimulatedDisk,
        _ temper: Temper?,
        _ copied: inout [Int: Int]
    ) {
        var names = source.durableNames
        for change in surviving(source.pendingNames, temper ?? anyTemper()) {
            SimulatedDisk.apply(change, to: &names)
        }
        // Sorted, so that a seed means the same in every process.
        for (name, number) in names.sorted(by: { $0.key < $1.key }) {
            let node = disk.nodes[number]
            let directory = after.nodes[target]
            if let known = copied[number] {
                after.apply(.set(name, known), to: directory)
                continue
            }
            let copy = after.add(name, to: directory, isDirectory: node.isDirectory)
            copied[number] = copy
            if node.isDirectory {
                copyDirectory(node, of: disk, to: copy, in: after, temper, &copied)
            } else {
                let contents = contents(of: node, temper ?? anyTemper())
                withExtendedLifetime(contents) {
                    after.write(contents.bytes, to: after.nodes[copy], at: 0)
                }
                after.sync(after.nodes[copy])
            }
        }
        after.syncNames(after.nodes[target])
    }

    private mutating func anyTemper() -> Temper {
        switch generator.below(6) {
        case 0: .kept
        case 1: .lost
        case 2: .inOrder
        default: .scattered
        }
    }

    private mutating func surviving<Change>(_ changes: [Change], _ temper: Temper) -> [Change] {
        switch temper {
        case .kept: changes
        case .lost: []
        case .inOrder: Array(changes.prefix(generator.below(changes.count + 1)))
        case .scattered: changes.filter { _ in generator.oneIn(2) }
        }
    }

    // MARK: Files

    private mutating func contents(
        of file: SimulatedDisk.Node,
        _ temper: Temper
    ) -> SimulatedBytes {
        let image = file.durable.copy()
        switch temper {
        case .kept, .lost, .inOrder:
            for write in surviving(file.pending, temper) { SimulatedDisk.apply(write, to: image) }
        case .scattered:
            for write in file.pending { applySomehow(write, to: image) }
        }
        return image
    }

    private mutating func applySomehow(_ write: SimulatedDisk.Write, to image: SimulatedBytes) {
        switch write {
        case .size(let size):
            if generator.oneIn(2) { image.truncate(to: size) }
        case .bytes(let source, let position):
            switch generator.below(4) {
            case 0: image.write(source.bytes, at: position)
            case 1: break
            case 2: applyPrefix(source.bytes, at: position, to: image)
            default: applySectors(source.bytes, at: position, to: image)
            }
            leaveTail(after: position, position + source.count, in: image)
        }
    }

    private mutating func applyPrefix(
        _ source: UnsafeRawBufferPointer,
        at position: Int,
        to image: SimulatedBytes
    ) {
        let length = generator.below(source.count + 1)
        image.write(UnsafeRawBufferPointer(rebasing: source[..<length]), at: position)
    }

    /// Sectors as the disk counts them, from the file's start.
    private mutating func applySectors(
        _ source: UnsafeRawBufferPointer,
        at position: Int,
        to image: SimulatedBytes
    ) {
        var start = 0
        while start < source.count {
            let inSector = (position + start) % Self.sectorBytes
            let end = min(source.count, start + Self.sectorBytes - inSector)
            if generator.oneIn(2) {
                let sector = UnsafeRawBufferPointer(rebasing: source[start..<end])
                image.write(sector, at: position + start)
            }
            start = end
        }
    }

    /// The size may have reached the disk without the bytes: then zeros lie there, or what the
    /// sectors held before, which may well look like batches.
    private mutating func leaveTail(after position: Int, _ end: Int, in image: SimulatedBytes) {
        guard image.count < end else { return }
        let start = max(image.count, position)
        switch generator.below(4) {
        case 0: image.extend(to: end)
        case 1:
            var garbage: [UInt8] = []
            for _ in start..<end { garbage.append(UInt8(truncatingIfNeeded: generator.next())) }
            garbage.withUnsafeBytes { image.write($0, at: start) }
        case 2:
            let stale = image.copy()
            withExtendedLifetime(stale) {
                let front = UnsafeRawBufferPointer(rebasing: stale.bytes.prefix(end - start))
                image.write(front, at: start)
            }
        default: break
        }
    }
}
