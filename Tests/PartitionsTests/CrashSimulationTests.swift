import HeadwaterTesting
import Testing

/// Power cuts at file calls that a seed chooses, and recoveries that are cut short in their turn.
@Suite struct CrashSimulationTests {
    static let seedsPerBlock = 250

    @Test(arguments: 0..<8)
    func `no promise breaks when power fails at any file call`(block: Int) {
        var records = 0
        var recoveryCrashes = 0
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
        }
        #expect(records > 500 * Self.seedsPerBlock)
        #expect(recoveryCrashes > Self.seedsPerBlock)
    }
}
