import AdminServer
import BrokerModel
import Testing

@Suite struct HealthReportTests {
    private static var well: HealthFacts {
        var facts = HealthFacts()
        facts.phase = .serving
        facts.loops = [
            .init(name: "mqtt", silence: .zero), .init(name: "storage", silence: .milliseconds(1)),
        ]
        facts.dataFolder = "/data"
        facts.diskAvailable = .gibibytes(10)
        return facts
    }

    private func report(_ change: (inout HealthFacts) -> Void) -> HealthReport {
        var facts = Self.well
        change(&facts)
        return HealthReport(facts, bounds: HealthBounds())
    }

    @Test func `a broker without trouble is live and ready`() {
        let report = report { _ in }
        #expect(report.isLive && report.isReady)
        #expect(report.line == "ready")
    }

    @Test(arguments: [HealthFacts.Phase.starting, .stopping])
    func `a broker that starts or stops is live and not ready`(phase: HealthFacts.Phase) {
        let report = report { $0.phase = phase }
        #expect(report.isLive && !report.isReady)
        #expect(report.reasons.map(\.kind.rawValue) == [phase.rawValue])
    }

    @Test func `a loop that owes an answer for too long is named, and nothing is live`() {
        let report = report { $0.loops[0].silence = .seconds(10) }
        #expect(!report.isLive && !report.isReady)
        #expect(report.reasons.map(\.kind) == [.loop])
        #expect(report.line.contains("the mqtt thread has not answered for 10 s"))
    }

    @Test func `a loop that owes an answer for a moment is well`() {
        #expect(report { $0.loops[0].silence = .seconds(9) }.isReady)
    }

    @Test func `a hanging disk is not ready, and no reason to restart`() {
        let report = report {
            $0.loops[1] = .init(name: "storage", silence: .seconds(60), isAtDisk: true)
            $0.diskWork = .seconds(60)
        }
        #expect(report.isLive && !report.isReady)
        #expect(report.reasons.map(\.kind) == [.disk])
        #expect(report.line.contains("/data"))
    }

    @Test func `memory that stays full while nothing is stored is named`() {
        #expect(report { $0.ingestStall = .seconds(9) }.isReady)
        #expect(report { $0.ingestStall = .seconds(10) }.reasons.map(\.kind) == [.ingest])
    }

    @Test func `failed partitions are named, and past ten only counted`() {
        let report = report { facts in
            facts.failedPartitions = (0..<25).map { ("t-\($0)", "the disk is full") }
        }
        #expect(report.reasons.count == 11)
        #expect(report.reasons.first?.what.contains("t-0") == true)
        #expect(report.reasons.last?.what == "15 more partitions take no records")
    }

    @Test func `a disk with little room is named, one that cannot be asked is not`() {
        #expect(report { $0.diskAvailable = .mebibytes(100) }.reasons.map(\.kind) == [.space])
        #expect(report { $0.diskAvailable = nil }.isReady)
    }

    @Test func `every reason stands beside the others, and each has a remedy`() {
        let report = report {
            $0.phase = .stopping
            $0.loops[0].silence = .seconds(20)
            $0.diskWork = .seconds(20)
            $0.ingestStall = .seconds(20)
            $0.failedPartitions = [("t-0", "broken")]
            $0.diskAvailable = .zero
        }
        #expect(
            report.reasons.map(\.kind) == [
                .stopping, .loop, .disk, .ingest, .partition, .space,
            ]
        )
        #expect(report.reasons.allSatisfy { !$0.remedy.isEmpty })
    }
}

@Suite struct StallWatchTests {
    private func time(_ seconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: seconds * 1_000_000_000)
    }

    @Test func `full without progress counts from the first such look`() {
        var watch = StallWatch()
        #expect(watch.look(isFull: true, progress: 5, now: time(1)) == .zero)
        #expect(watch.look(isFull: true, progress: 5, now: time(4)) == .seconds(3))
    }

    @Test func `any progress or any room starts anew`() {
        var watch = StallWatch()
        _ = watch.look(isFull: true, progress: 5, now: time(1))
        #expect(watch.look(isFull: true, progress: 6, now: time(4)) == .zero)
        #expect(watch.look(isFull: true, progress: 6, now: time(5)) == .seconds(1))
        #expect(watch.look(isFull: false, progress: 6, now: time(6)) == .zero)
        #expect(watch.look(isFull: true, progress: 6, now: time(7)) == .zero)
    }
}
