import BrokerModel
import CommitLog
import Testing

@Suite struct RetentionPolicyTests {
    private static let now = Timestamp(milliseconds: 1_000_000)

    /// Segments of so many bytes, whose newest record is so many milliseconds old.
    private func segments(_ facts: [(size: Int, age: Int64)]) -> [RetentionPolicy.Segment] {
        facts.map {
            .init(
                size: ByteCount($0.size),
                maxTimestamp: Timestamp(milliseconds: Self.now.rawValue - $0.age)
            )
        }
    }

    private func plan(
        _ facts: [(size: Int, age: Int64)],
        time: Duration? = nil,
        bytes: Int? = nil
    ) -> RetentionPolicy.Plan {
        RetentionPolicy(time: time, bytes: bytes.map { ByteCount($0) })
            .plan(segments(facts), now: Self.now)
    }

    @Test func `nothing goes without a limit`() {
        #expect(plan([(10, 900_000), (10, 0)]).count == 0)
        #expect(RetentionPolicy(time: nil, bytes: nil).keepsEverything)
    }

    @Test func `a segment goes when its newest record is older than the limit, and not at it`() {
        let facts: [(Int, Int64)] = [(10, 5_001), (10, 5_000), (10, 0)]
        #expect(plan(facts, time: .seconds(5)).expired == 1)
    }

    @Test func `an old segment behind a young one stays`() {
        #expect(plan([(10, 0), (10, 9_000), (10, 0)], time: .seconds(5)).count == 0)
    }

    @Test func `the active segment goes too when all of it is old, but not when it is empty`() {
        #expect(plan([(10, 9_000), (10, 8_000)], time: .seconds(5)).expired == 2)
        #expect(plan([(10, 9_000), (0, 8_000)], time: .seconds(5)).expired == 1)
        #expect(plan([(0, 9_000)], time: .seconds(5)).count == 0)
    }

    @Test func `whole segments go as long as what is kept is not below the limit`() {
        let facts: [(Int, Int64)] = [(40, 0), (40, 0), (40, 0)]
        #expect(plan(facts, bytes: 100).oversize == 0)
        #expect(plan(facts, bytes: 80).oversize == 1)
        #expect(plan(facts, bytes: 40).oversize == 2)
        #expect(plan(facts, bytes: 0).oversize == 3)
    }

    @Test func `what has expired does not count against the size`() {
        let found = plan([(40, 9_000), (40, 0), (40, 0)], time: .seconds(5), bytes: 60)
        #expect(found.expired == 1)
        #expect(found.oversize == 0)
    }

    @Test func `records without a time never expire, an empty segment always has`() {
        let policy = RetentionPolicy(time: .seconds(5), bytes: nil)
        let timeless = RetentionPolicy.Segment(size: ByteCount(10), maxTimestamp: .none)
        let empty = RetentionPolicy.Segment(size: .zero, maxTimestamp: .none)
        let active = segments([(10, 0)])
        #expect(policy.plan([timeless] + active, now: Self.now).count == 0)
        #expect(policy.plan([empty] + active, now: Self.now).expired == 1)
    }

    @Test func `a clock that went back expires nothing`() {
        let policy = RetentionPolicy(time: .zero, bytes: nil)
        #expect(policy.plan(segments([(10, -1), (10, -2)]), now: Self.now).count == 0)
    }
}
