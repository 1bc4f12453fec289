import HeadwaterTesting
import Testing

/// The last value of each key is always readable, wherever the power fails.
@Suite struct CompactionSimulationTests {
    @Test(arguments: 0..<4)
    func `no key loses its last value when power fails at any file call`(block: Int) {
        var (cleanings, removed, crashes) = (0, 0, 0)
        for index in 0..<100 {
            let seed = UInt64(block * 100 + index)
            let simulation = CompactionSimulation(seed: seed)
            do {
                try simulation.run()
            } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
            cleanings += simulation.cleanings
            removed += simulation.recordsRemoved
            crashes += simulation.crashesWhileCleaning
        }
        #expect(cleanings > 300 && removed > 3_000 && crashes > 20)
    }

    @Test func `no key loses its last value at any file call of one life`() throws {
        let whole = CompactionSimulation(seed: 3, lives: 1, operations: 120, crashAtCall: .max)
        try whole.run()
        try #require(whole.cleanings > 3)
        for call in 1...whole.fileCalls {
            let simulation = CompactionSimulation(
                seed: 3,
                lives: 1,
                operations: 120,
                crashAtCall: call
            )
            do {
                try simulation.run()
            } catch {
                Issue.record("seed 3, crash at file call \(call): \(error)")
                return
            }
        }
    }

    @Test(arguments: [".log.cleaned", "state-0"])
    func `a cleaned segment that is not synced is noticed`(suffix: String) {
        let isNoticed = (0..<60).contains { seed in
            let simulation = CompactionSimulation(seed: UInt64(seed))
            simulation.faults.ignoredSyncSuffixes = [suffix]
            do {
                try simulation.run()
                return false
            } catch {
                return true
            }
        }
        #expect(isNoticed)
    }
}
