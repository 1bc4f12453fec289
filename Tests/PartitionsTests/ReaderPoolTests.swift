import BrokerModel
import Partitions
import Synchronization
import Testing

@Suite struct ReaderPoolTests {
    /// Holds threads until it is opened, and counts who came.
    private final class Gate: Sendable {
        private let state = Mutex((isOpen: false, arrived: 0, finished: [Int]()))

        var arrived: Int { state.withLock(\.arrived) }
        var finished: [Int] { state.withLock(\.finished) }
        func open() { state.withLock { $0.isOpen = true } }

        func pass(_ number: Int) {
            state.withLock { $0.arrived += 1 }
            _ = ReaderPoolTests.spin { state.withLock(\.isOpen) }
            state.withLock { $0.finished.append(number) }
        }
    }

    /// Yields until the condition holds; false when it does not in time.
    private static func spin(_ condition: () -> Bool) -> Bool {
        let end = ContinuousClock.now + .seconds(20)
        while !condition() {
            guard ContinuousClock.now < end else { return false }
        }
        return true
    }

    private static func eventually(_ condition: () -> Bool) {
        let holds = spin(condition)
        #expect(holds)
    }

    @Test func `jobs run at the same time on as many threads as allowed`() {
        let pool = ReaderPool(threads: 2, queueMax: 10)
        let gate = Gate()
        for number in 0..<5 { #expect(pool.submit { gate.pass(number) }) }
        Self.eventually { gate.arrived == 2 && pool.waiting == 3 }
        gate.open()
        Self.eventually { gate.finished.count == 5 }
        #expect(pool.counters.accepted.count == 5)
        pool.stop()
    }

    @Test func `a full queue refuses, and takes again once there is room`() {
        let pool = ReaderPool(threads: 1, queueMax: 2)
        let gate = Gate()
        #expect(pool.submit { gate.pass(0) })
        Self.eventually { gate.arrived == 1 }
        #expect(pool.submit { gate.pass(1) })
        #expect(pool.submit { gate.pass(2) })
        #expect(!pool.submit { gate.pass(3) })
        #expect(pool.counters.refused.count == 1)
        gate.open()
        Self.eventually { gate.finished.count == 3 }
        #expect(pool.submit { gate.pass(4) })
        Self.eventually { gate.finished == [0, 1, 2, 4] }
        pool.stop()
    }

    @Test func `one thread runs jobs in their order, however many there are`() {
        let pool = ReaderPool(threads: 1, queueMax: 1_000)
        let gate = Gate()
        gate.open()
        for number in 0..<500 { #expect(pool.submit { gate.pass(number) }) }
        Self.eventually { gate.finished.count == 500 }
        #expect(gate.finished == Array(0..<500))
        pool.stop()
    }

    @Test func `a stop does not wait for ever for a thread that hangs`() {
        let pool = ReaderPool(threads: 2, queueMax: 10)
        let gate = Gate()
        #expect(pool.submit { gate.pass(0) })
        Self.eventually { gate.arrived == 1 }
        pool.stop(patience: .milliseconds(20))
        #expect(gate.finished.isEmpty)
        gate.open()
        Self.eventually { gate.finished == [0] }
    }

    @Test func `a stop ends what runs, drops what waits and refuses what comes`() {
        let pool = ReaderPool(threads: 1, queueMax: 10)
        let gate = Gate()
        #expect(pool.submit { gate.pass(0) })
        Self.eventually { gate.arrived == 1 }
        #expect(pool.submit { gate.pass(1) })
        gate.open()
        pool.stop()
        #expect(gate.finished.first == 0)
        #expect(!pool.submit { gate.pass(2) })
        pool.stop()
    }
}
