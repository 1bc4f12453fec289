import BrokerModel
import CommitLog
import Testing

@Suite struct LeaderEpochsTests {
    private func epochs(_ entries: [(Int32, Int64)]) -> LeaderEpochs {
        var epochs = LeaderEpochs()
        for (epoch, start) in entries { epochs.begin(LeaderEpoch(epoch), at: Offset(start)) }
        return epochs
    }

    @Test func `an epoch ends where the next one begins`() {
        let epochs = epochs([(0, 0), (2, 10), (5, 30)])
        let end = Offset(40)
        #expect(epochs.end(of: LeaderEpoch(0), logEndOffset: end)?.endOffset == Offset(10))
        #expect(epochs.end(of: LeaderEpoch(2), logEndOffset: end)?.endOffset == Offset(30))
        #expect(epochs.end(of: LeaderEpoch(5), logEndOffset: end)?.endOffset == end)
    }

    @Test func `an epoch that never wrote is answered by the one before it`() throws {
        let epochs = epochs([(0, 0), (2, 10), (5, 30)])
        let answer = try #require(epochs.end(of: LeaderEpoch(3), logEndOffset: Offset(40)))
        #expect(answer.epoch == LeaderEpoch(2) && answer.endOffset == Offset(30))
        #expect(epochs.end(of: LeaderEpoch(6), logEndOffset: Offset(40)) == nil)
        #expect(epochs.end(of: .none, logEndOffset: Offset(40)) == nil)
    }

    @Test func `an epoch whose records are deleted ended where the log begins`() {
        let epochs = epochs([(0, 0), (2, 10), (5, 30)])
        let ends = [0, 1, 2, 5].map { epoch in
            epochs.end(
                of: LeaderEpoch(epoch),
                logStartOffset: Offset(12),
                logEndOffset: Offset(40)
            )
        }
        #expect(ends.map { $0?.epoch.rawValue } == [0, 1, 2, 5])
        #expect(ends.map { $0?.endOffset.rawValue } == [12, 12, 30, 40])
    }

    @Test func `a start without records replaces the one before it`() {
        let epochs = epochs([(0, 0), (1, 10), (2, 10)])
        #expect(epochs == self.epochs([(0, 0), (2, 10)]))
    }

    @Test func `every offset belongs to one epoch`() {
        let epochs = epochs([(0, 0), (2, 10)])
        #expect(epochs.epoch(of: Offset(9)) == .zero)
        #expect(epochs.epoch(of: Offset(10)) == LeaderEpoch(2))
    }

    @Test func `epochs past the end of the log are forgotten`() {
        var epochs = epochs([(0, 0), (1, 10), (2, 20)])
        epochs.truncate(to: Offset(10))
        #expect(epochs == self.epochs([(0, 0), (1, 10)]))
    }
}
