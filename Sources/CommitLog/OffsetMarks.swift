import BrokerModel

/// Offsets that were never stored, or are lost: nobody will ever be given them again.
public struct OffsetGap: Equatable, Sendable {
    public let first: Offset
    public let last: Offset

    public init(first: Offset, last: Offset) {
        self.first = first
        self.last = last
    }
}

/// What a crash must not take back although no record says it, in a partition's `offset-marks`:
/// a version line, then a word and its numbers on each line. The file is there only where one of
/// these differs from what the segments say.
struct OffsetMarks: Equatable {
    static let fileName = "offset-marks"
    private static let version = "0"

    /// Nothing below is ever shown again, whatever segments still lie there.
    var logStart = Offset.zero
    /// Everything below may have been shown without being synced, and is not given twice.
    var reserved = Offset.zero
    /// In a compacted log: everything below was cleaned, and a newer record of no key makes another
    /// cleaning of it due by itself.
    var cleaned = Offset.zero
    /// Left by unclean starts, and not yet recorded where operators look.
    var gaps: [OffsetGap] = []

    init() {}

    /// Reserves at least what lies below `offset`.
    mutating func reserve(_ offset: Offset) { reserved = max(reserved, offset) }

    /// Nil when the text is no such file.
    init?(text: String) {
        let lines = text.split(separator: "\n")
        guard lines.first == Self.version[...] else { return nil }
        for line in lines.dropFirst() {
            let words = line.split(separator: " ")
            let numbers = words.dropFirst().compactMap { Int64($0) }
            guard numbers.count == words.count - 1, numbers.allSatisfy({ $0 >= 0 }) else {
                return nil
            }
            switch (words.first, numbers.count) {
            case ("log_start", 1): logStart = Offset(numbers[0])
            case ("reserved", 1): reserved = Offset(numbers[0])
            case ("cleaned", 1): cleaned = Offset(numbers[0])
            case ("gap", 2) where numbers[0] <= numbers[1]:
                gaps.append(OffsetGap(first: Offset(numbers[0]), last: Offset(numbers[1])))
            default: return nil
            }
        }
    }

    var text: String {
        var lines = [Self.version]
        if logStart > .zero { lines.append("log_start \(logStart.rawValue)") }
        if reserved > .zero { lines.append("reserved \(reserved.rawValue)") }
        if cleaned > .zero { lines.append("cleaned \(cleaned.rawValue)") }
        for gap in gaps { lines.append("gap \(gap.first.rawValue) \(gap.last.rawValue)") }
        return lines.joined(separator: "\n") + "\n"
    }

    func write(in folder: String, _ fileSystem: any FileSystem) throws(FileSystemError) {
        try fileSystem.replaceText(of: Self.fileName, in: folder, with: text)
    }
}
