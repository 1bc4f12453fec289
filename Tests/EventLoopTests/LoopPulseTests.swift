import BrokerModel
import EventLoop
import Posix
import Synchronization
import Testing

@Suite struct LoopPulseTests {
    /// A loop on a thread of its own, with a task that blocks it for as long as a test wants.
    private final class Subject: Sendable {
        let pulse: LoopPulse
        private let tasks: Mailbox<@Sendable () -> Void>
        private let stopper: Mailbox<Bool>
        private let thread: SystemThread

        init() throws {
            let pool = MemoryPool(name: "spare", capacity: .mebibytes(1))
            let loop = try EventLoop(settings: EventLoopSettings(input: pool, output: pool))
            pulse = LoopPulse("subject", of: loop)
            tasks = loop.makeMailbox { for task in $0 { task() } }
            stopper = loop.makeMailbox { [unowned loop] _ in loop.stop() }
            thread = try SystemThread.start(named: "subject", handing: loop) { $0.run() }
        }

        func perform(_ task: @escaping @Sendable () -> Void) { tasks.post(task) }

        func end() {
            stopper.post(true)
            thread.join()
        }

        /// Asks again and again, until the answer is as wanted or the deadline passes.
        func silence(becomes isWanted: (Duration) -> Bool) -> Bool {
            let end = MonotonicTime.current + testDeadline
            while MonotonicTime.current < end {
                if isWanted(pulse.silence(at: .current)) { return true }
            }
            return false
        }
    }

    @Test func `a loop that turns answers every ping`() throws {
        let subject = try Subject()
        defer { subject.end() }
        for _ in 0..<100 {
            subject.pulse.ping(at: .current)
            #expect(subject.silence { $0 == .zero })
        }
    }

    @Test func `a loop that is blocked is silent for ever longer, and answers once it goes on`()
        throws
    {
        let subject = try Subject()
        defer { subject.end() }
        let (isBlocked, mayGoOn) = (Flag(), Flag())
        subject.perform {
            isBlocked.raise()
            mayGoOn.wait()
        }
        isBlocked.wait()
        subject.pulse.ping(at: .current)
        #expect(subject.silence { $0 >= .milliseconds(20) })
        subject.pulse.ping(at: .current)  // A second ping does not hide how long the first waits.
        #expect(subject.pulse.silence(at: .current) >= .milliseconds(20))
        mayGoOn.raise()
        #expect(subject.silence { $0 == .zero })
    }

    private final class Flag: Sendable {
        private let isUp = Atomic(false)
        func raise() { isUp.store(true, ordering: .releasing) }
        func wait() {
            let end = MonotonicTime.current + testDeadline
            while !isUp.load(ordering: .acquiring), MonotonicTime.current < end {}
        }
    }
}
