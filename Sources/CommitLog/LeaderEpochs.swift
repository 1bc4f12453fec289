import BrokerModel

/// Where each leader epoch of a partition began, in Kafka's `leader-epoch-checkpoint`: a version
/// line, a count, and an `epoch offset` line for each.
public struct LeaderEpochs: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public let epoch: LeaderEpoch
        public let startOffset: Offset

        public init(epoch: LeaderEpoch, startOffset: Offset) {
            self.epoch = epoch
            self.startOffset = startOffset
        }
    }

    /// Ascending in both.
    public private(set) var entries: [Entry] = []

    public init() {}

    /// Of a log that has only ever seen one.
    static let first: LeaderEpochs = {
        var epochs = LeaderEpochs()
        epochs.begin(.zero, at: .zero)
        return epochs
    }()

    public var latest: LeaderEpoch { entries.last?.epoch ?? .none }

    /// Begins an epoch. Entries that it contradicts go: those not before it in epoch and offset.
    public mutating func begin(_ epoch: LeaderEpoch, at offset: Offset) {
        entries.removeAll { $0.epoch >= epoch || $0.startOffset >= offset }
        entries.append(Entry(epoch: epoch, startOffset: offset))
    }

    /// Forgets the epochs that began past the end of the log.
    public mutating func truncate(to logEndOffset: Offset) {
        entries.removeAll { $0.startOffset > logEndOffset }
    }

    /// Where the given epoch ends, as OffsetForLeaderEpoch answers it (KIP-101, KIP-279): the
    /// latest epoch that is not after it, and the first offset past that one. Nil when the log
    /// knows nothing of it. Of an epoch whose records are all deleted no more is known than that it
    /// was over where the log begins.
    public func end(
        of epoch: LeaderEpoch,
        logStartOffset: Offset = .zero,
        logEndOffset: Offset
    ) -> (epoch: LeaderEpoch, endOffset: Offset)? {
        guard epoch >= .zero, epoch <= latest else { return nil }
        if epoch == latest { return (epoch, logEndOffset) }
        guard let higher = entries.firstIndex(where: { $0.epoch > epoch }) else { return nil }
        if entries[higher].startOffset <= logStartOffset { return (epoch, logStartOffset) }
        let floor = higher == 0 ? epoch : entries[higher - 1].epoch
        return (floor, entries[higher].startOffset)
    }

    /// The epoch in which the record at `offset` was, or would be, appended.
    public func epoch(of offset: Offset) -> LeaderEpoch? {
        entries.last { $0.startOffset <= offset }?.epoch
    }

    // MARK: The file

    /// Nil when the text is no checkpoint.
    init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        guard lines.count >= 2, lines[0] == "0", Int(lines[1]) == lines.count - 2 else {
            return nil
        }
        for line in lines.dropFirst(2) {
            let words = line.split(separator: " ")
            guard words.count == 2, let epoch = Int32(words[0]), let start = Int64(words[1]),
                epoch >= 0, start >= 0, LeaderEpoch(epoch) > latest,
                entries.last.map({ $0.startOffset <= Offset(start) }) ?? true
            else { return nil }
            entries.append(Entry(epoch: LeaderEpoch(epoch), startOffset: Offset(start)))
        }
    }

    var text: String {
        let lines = entries.map { "\($0.epoch.rawValue) \($0.startOffset.rawValue)\n" }
        return "0\n\(entries.count)\n" + lines.joined()
    }
}
