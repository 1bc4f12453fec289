import BrokerModel
import EventLoop
import Foundation

/// Runs a loop on a thread of its own, and only while the test waits for something: so the test may
/// touch what the loop owns in between.
final class PausedLoop {
    /// Whose turn it is. Unchecked, because its lock guards everything in it.
    private final class Baton: @unchecked Sendable {
        private enum Turn { case test, loop, over, ended }

        private let lock = NSCondition()
        private var turn = Turn.test
        private var isDone: () -> Bool = { true }

        func run(until isDone: @escaping () -> Bool) {
            lock.withLock {
                self.isDone = isDone
                turn = .loop
                lock.broadcast()
                while turn == .loop { lock.wait() }
                self.isDone = { true }
            }
        }

        func end() {
            lock.withLock {
                turn = .over
                lock.broadcast()
                while turn != .ended { lock.wait() }
            }
        }

        func hasEnded() {
            lock.withLock {
                turn = .ended
                lock.broadcast()
            }
        }

        /// From the loop: looks whether the test may go on, and waits for it. False to stop.
        func look() -> Bool {
            lock.withLock {
                if turn == .loop, isDone() {
                    turn = .test
                    lock.broadcast()
                }
                while turn == .test { lock.wait() }
                return turn == .loop
            }
        }
    }

    private let loop: EventLoop
    private let baton = Baton()
    private var isStarted = false

    init(_ loop: EventLoop) {
        self.loop = loop
    }

    deinit {
        if isStarted { baton.end() }
    }

    func run(until isDone: @escaping () -> Bool) {
        if !isStarted { start() }
        isStarted = true
        baton.run(until: isDone)
    }

    private func start() {
        nonisolated(unsafe) let loop = loop
        let baton = baton
        @Sendable func look() {
            guard baton.look() else { return loop.stop() }
            loop.schedule(at: loop.now + .milliseconds(1)) { look() }
        }
        loop.schedule(at: loop.now) { look() }
        Thread.detachNewThread {
            loop.run()
            baton.hasEnded()
        }
    }
}
