import BrokerModel
import CommitLog
import HeadwaterTesting
import Testing

/// A checker that never fails proves nothing: each of these plants a bug that one promise forbids.
@Suite struct PlantedBugTests {
    @Test func `P1 notices a data file that is acknowledged without a sync`() {
        var plan = Simulation.Plan()
        plan.faults.ignoredSyncSuffixes = [".log"]
        #expect(promisesBroken(by: plan).contains(.p1))
    }

    @Test func `P1 notices a segment whose name is never made durable`() {
        var plan = Simulation.Plan()
        plan.faults.ignoredSyncSuffixes = ["-0"]
        #expect(promisesBroken(by: plan).contains(.p1))
    }

    @Test func `P2 notices a recovered tail that is shown before it is synced`() {
        var plan = Simulation.Plan(operations: 30, lives: 6)
        plan.recoveryFaults.ignoredSyncSuffixes = [".log"]
        #expect(promisesBroken(by: plan).contains(.p2))
    }

    @Test func `P2 notices an unclean start that does not raise the leader epoch`() {
        var plan = Simulation.Plan(lives: 3)
        plan.recoveryFaults.ignoredSyncSuffixes = ["leader-epoch-checkpoint.tmp", "-0", "-1"]
        #expect(promisesBroken(by: plan).contains(.p2))
    }

    @Test func `P4 notices a sealed segment that recovery reads`() {
        var plan = Simulation.Plan()
        // Its names are lost by the crash, so that recovery has to read the data instead.
        plan.faults.ignoredSyncSuffixes = ["-0", "-1"]
        #expect(promisesBroken(by: plan).contains(.p4))
    }

    @Test func `P1 notices retention that takes more than it was told to`() {
        var plan = Simulation.Plan()
        plan.retentionFactor = 2
        plan.isAdministered = false  // Most of what goes too early is deleted on purpose otherwise.
        #expect(promisesBroken(by: plan).contains(.p1))
    }

    @Test func `the log start's checker notices a start that is not durable before it is shown`() {
        var plan = Simulation.Plan()
        plan.forgetsMarks = true
        #expect(promisesBroken(by: plan).contains(.logStart))
    }

    @Test func `P2 notices offsets that are shown without being reserved`() {
        var plan = Simulation.Plan()
        plan.forgetsMarks = true
        #expect(promisesBroken(by: plan).contains(.p2))
    }

    @Test func `exactly once breaks when what is known of producers is not saved`() {
        var plan = Simulation.Plan(lives: 4)
        plan.forgetsSnapshots = true
        #expect(promisesBroken(by: plan).contains(.exactlyOnce))
    }

    @Test func `exactly once breaks when a snapshot is not durable before the next segment`() {
        var plan = Simulation.Plan(lives: 4)
        plan.faults.ignoredSyncSuffixes = [".snapshot.tmp"]
        #expect(promisesBroken(by: plan).contains(.exactlyOnce))
    }

    @Test func `exactly once breaks when producer ids are given before they are synced`() {
        var plan = Simulation.Plan(lives: 4)
        plan.faults.ignoredSyncSuffixes = ["__cluster_metadata-0/00000000000000000000.log"]
        #expect(promisesBroken(by: plan).contains(.exactlyOnce))
    }

    @Test func `the topics' checker notices a change that is reported before it is synced`() {
        var plan = Simulation.Plan()
        plan.faults.ignoredSyncSuffixes = ["__cluster_metadata-0/00000000000000000000.log"]
        #expect(promisesBroken(by: plan).contains(.topics))
    }

    @Test func `P1 notices a partition whose folder is not durable when its record is`() {
        var plan = Simulation.Plan()
        plan.faults.ignoredSyncSuffixes = [".headwater-new"]
        #expect(promisesBroken(by: plan).contains(.p1))
    }

    @Test func `the log start's checker notices records that are back after their deletion`() {
        var plan = Simulation.Plan()
        plan.faults.ignoredSyncSuffixes = ["offset-marks.tmp"]
        #expect(promisesBroken(by: plan).contains(.logStart))
    }

    @Test func `the topics' checker notices a checkpoint that is not synced before it counts`() {
        var plan = Simulation.Plan(lives: 4)
        plan.faults.ignoredSyncSuffixes = [".checkpoint.part"]
        let broken = promisesBroken(by: plan)
        #expect(broken.contains(.topics) || broken.contains(.p1))
    }

    /// Which promises break over some seeds.
    private func promisesBroken(by plan: Simulation.Plan) -> Set<Violation.Promise> {
        var broken: Set<Violation.Promise> = []
        for seed in 0..<100 as Range<UInt64> {
            do {
                try Simulation(seed: seed, plan: plan).run()
            } catch let violation as Violation {
                broken.insert(violation.promise)
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
        return broken
    }
}
