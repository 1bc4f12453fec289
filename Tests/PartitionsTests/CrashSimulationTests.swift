import Foundation
import HeadwaterTesting
import Testing

/// Power cuts at file calls that a seed chooses, and recoveries that are cut short in their turn.
@Suite struct CrashSimulationTests {
    /// `HEADWATER_SIMULATION_SEEDS` asks for more, or fewer, than the usual 2,000.
    static let blocks =
        (ProcessInfo.processInfo.environment["HEADWATER_SIMULATION_SEEDS"].flatMap(Int.init)
            ?? 2_000) / seedsPerBlock
    static let seedsPerBlock = 250

    @Test(arguments: 0..<blocks)
    func `no promise breaks when power fails at any file call`(block: Int) {
        var records = 0
        var recoveryCrashes = 0
        var produced = 0
        var changes = (altered: 0, grown: 0, cut: 0, checkpoints: 0)
        for index in 0..<Self.seedsPerBlock {
            let seed = UInt64(block * Self.seedsPerBlock + index)
            let simulation = Simulation(seed: seed)
            do {
                try simulation.run()
            } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
            records += simulation.recordsAppended
            recoveryCrashes += simulation.recoveryCrashes
            produced += simulation.producedBatches
            changes.altered += simulation.topicsAltered
            changes.grown += simulation.partitionsAdded
            changes.cut += simulation.recordDeletions
            changes.checkpoints += simulation.checkpoints
        }
        #expect(records > 1_200 * Self.seedsPerBlock)
        #expect(recoveryCrashes > Self.seedsPerBlock)
        #expect(changes.checkpoints > Self.seedsPerBlock / 3)
        #expect(produced > 20 * Self.seedsPerBlock)
        #expect(min(changes.altered, changes.grown, changes.cut) > Self.seedsPerBlock / 3)
    }

    @Test func `no promise breaks at any file call of one workload`() throws {
        var plan = Simulation.Plan(operations: 60, lives: 1)
        plan.crashAtCall = .max
        let whole = Simulation(seed: Self.fixedSeed, plan: plan)
        try whole.run()
        try #require(whole.fileCalls > 150)
        for call in 1...whole.fileCalls {
            plan.crashAtCall = call
            check(plan, "crash at file call \(call)")
        }
    }

    @Test func `no promise breaks at any file call of one recovery`() throws {
        var plan = Simulation.Plan(operations: 60, lives: 1)
        for crashAtCall in [90, 140, 190] {
            plan.crashAtCall = crashAtCall
            for call in 1...80 {
                plan.recoveryCrashAtCall = call
                check(plan, "crashes at file calls \(crashAtCall) and, recovering, \(call)")
            }
        }
    }

    @Test(.enabled(if: oneSeed != nil))
    func `no promise breaks in the one life that was asked for`() throws {
        try Simulation(seed: try #require(Self.oneSeed)).run()
    }

    /// `HEADWATER_SIMULATION_SEED` runs one seed alone, to look into it.
    static let oneSeed = ProcessInfo.processInfo.environment["HEADWATER_SIMULATION_SEED"]
        .flatMap(UInt64.init)

    private static let fixedSeed: UInt64 = 7

    private func check(_ plan: Simulation.Plan, _ what: String) {
        do {
            try Simulation(seed: Self.fixedSeed, plan: plan).run()
        } catch {
            Issue.record("seed \(Self.fixedSeed), \(what): \(error)")
        }
    }
}
