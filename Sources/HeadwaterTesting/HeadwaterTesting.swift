// HeadwaterTesting stands in for the machine when a test wants to break it, from a seed.
//
// Start at `SimulatedFileSystem`: it keeps apart what was written and what was synced, crashes at
// any call, and builds what a disk could hold afterwards. `SeededGenerator` makes every run
// repeatable; a failing test prints its seed. `SimulatedClock` moves when it is told to.
// For tests only: no product target imports it.
