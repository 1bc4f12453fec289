import Testing
import headwater

@Suite struct RepeatLimiterTests {
    @Test func `the first line of a kind passes, those of the interval after it are counted`() {
        var limiter = RepeatLimiter<String>(intervalMilliseconds: 10)
        #expect(limiter.admit("a", "1", count: 1, now: 0) == 1)
        #expect(limiter.admit("a", "2", count: 1, now: 5) == nil)
        #expect(limiter.admit("a", "3", count: 4, now: 9) == nil)
        #expect(limiter.admit("b", "other", count: 1, now: 9) == 1)
        #expect(limiter.admit("a", "4", count: 1, now: 10) == 6)
        #expect(limiter.admit("a", "5", count: 1, now: 11) == nil)
    }

    @Test func `what a flood left behind comes out once, with its last line`() {
        var limiter = RepeatLimiter<String>(intervalMilliseconds: 10)
        for line in 0..<5 { _ = limiter.admit("a", "\(line)", count: 1, now: 0) }
        #expect(limiter.due(now: 9).isEmpty)
        let due = limiter.due(now: 10)
        #expect(due.map(\.line) == ["4"] && due.map(\.count) == [4])
        #expect(limiter.due(now: 30).isEmpty)
    }

    @Test func `the rest comes out before its time`() {
        var limiter = RepeatLimiter<String>(intervalMilliseconds: 10)
        for line in 0..<3 { _ = limiter.admit("a", "\(line)", count: 2, now: 0) }
        #expect(limiter.rest().map(\.count) == [4])
        #expect(limiter.rest().isEmpty)
    }

    @Test func `kinds past the bound are counted together, and none is lost`() {
        var limiter = RepeatLimiter<Int>(intervalMilliseconds: 10, kindsMax: 4)
        var passed = 0
        for kind in 0..<1_000 {
            passed += limiter.admit("\(kind)", kind, count: 1, now: 0) ?? 0
        }
        #expect(passed + limiter.rest().reduce(0) { $0 + $1.count } == 1_000)
    }

    @Test func `a kind that has been quiet makes room for another`() {
        var limiter = RepeatLimiter<Int>(intervalMilliseconds: 10, kindsMax: 1)
        #expect(limiter.admit("a", 1, count: 1, now: 0) == 1)
        #expect(limiter.admit("b", 2, count: 1, now: 20) == 1)
        #expect(limiter.admit("b", 3, count: 1, now: 21) == nil)
    }
}
