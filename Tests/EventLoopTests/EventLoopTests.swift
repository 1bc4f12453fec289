import BrokerModel
import EventLoop
import Posix
import Synchronization
import Testing

@Suite struct EventLoopTests {
    @Test func `timers fire by deadline, equal ones in order, cancelled ones never`() throws {
        let harness = try LoopHarness(handler: echo)
        let fired = Journal<Int>()
        harness.perform { scope in
            let start = scope.loop.now + .milliseconds(1)
            let timers = (0..<500).map { index in
                let place = index * 7_919 % 500
                return scope.loop.schedule(at: start + .microseconds(10 * (place / 2))) {
                    fired.record(place)
                }
            }
            for index in 0..<500 where index % 5 != 0 { scope.loop.cancel(timers[index]) }
        }
        // Of each pair with one deadline the one that was scheduled first comes first.
        let places = (0..<500).filter { $0 % 5 == 0 }.map { $0 * 7_919 % 500 }
        let expected = places.enumerated()
            .sorted { ($0.element / 2, $0.offset) < ($1.element / 2, $1.offset) }
            .map(\.element)
        #expect(try fired.wait { $0.count >= expected.count } == expected)
    }

    @Test func `a timer that schedules itself for now does not hold the loop`() throws {
        let harness = try LoopHarness(handler: echo)
        let count = Counter()
        harness.perform { Repeater(loop: $0.loop, count: count).run() }
        try harness.expectEventually { _ in count.count > 100 }
        let client = try harness.connect()
        try client.write([1])
        #expect(try client.readExactly(1) == [1])
    }

    @Test func `a timer never fires before its time`() throws {
        let harness = try LoopHarness(handler: echo)
        let early = Journal<Bool>()
        for delay in 1...20 {
            harness.perform { scope in
                let deadline = scope.loop.now + .microseconds(delay * 300)
                scope.loop.schedule(at: deadline) { [unowned loop = scope.loop] in
                    early.record(loop.now < deadline)
                }
            }
        }
        #expect(try early.wait { $0.count == 20 } == Array(repeating: false, count: 20))
    }

    @Test func `messages of several threads all arrive, each thread's in order`() throws {
        let received = Journal<[Int]>()
        let pool = MemoryPool(name: "test", capacity: .mebibytes(1))
        let loop = try EventLoop(settings: EventLoopSettings(input: pool, output: pool))
        let mailbox = loop.makeMailbox { (messages: [Int]) in received.record(messages) }
        let stop = loop.makeMailbox { [unowned loop] (_: [Bool]) in loop.stop() }
        let counters = loop.counters
        let thread = try SystemThread.start(named: "loop", handing: loop) { $0.run() }
        let posters = try (0..<4).map { poster in
            try SystemThread.start(named: "poster") {
                for index in 0..<5_000 {
                    let message = poster * 100_000 + index
                    if index % 3 == 0 {
                        mailbox.post(contentsOf: [message])
                    } else {
                        mailbox.post(message)
                    }
                }
            }
        }
        for poster in posters { poster.join() }
        let batches = try received.wait { $0.reduce(0) { $0 + $1.count } == 20_000 }
        mailbox.post(-1)
        stop.post(true)
        thread.join()
        let messages = batches.flatMap(\.self)
        #expect(messages.count == 20_000)
        for poster in 0..<4 {
            let own = messages.filter { $0 / 100_000 == poster }
            #expect(own == (0..<5_000).map { poster * 100_000 + $0 })
        }
        #expect(counters.wakeUps.count < 20_000)
        mailbox.post(1)  // Dropped, and harmless.
    }

    @Test func `a burst of messages wakes a sleeping loop once, and a busy one never`() throws {
        let harness = try LoopHarness(handler: echo)
        let arrived = Journal<Bool>()
        let released = Journal<Bool>()
        harness.perform { _ in
            arrived.record(true)
            _ = try? released.wait { !$0.isEmpty }
        }
        _ = try arrived.wait { !$0.isEmpty }
        let before = harness.counters.wakeUps.count
        let count = Counter()
        for _ in 0..<1_000 { harness.perform { _ in count.add() } }
        #expect(harness.counters.wakeUps.count == before)
        released.record(true)
        try harness.expectEventually { _ in count.count == 1_000 }
    }
}

/// A timer that is due again at once.
private final class Repeater {
    private let loop: EventLoop
    private let count: Counter

    init(loop: EventLoop, count: Counter) {
        self.loop = loop
        self.count = count
    }

    func run() {
        count.add()
        guard count.count < 100_000 else { return }
        loop.schedule(at: loop.now) { self.run() }
    }
}
