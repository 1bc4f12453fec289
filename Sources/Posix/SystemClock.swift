import CPosix

/// The two clocks. Callers wrap the numbers in their own types.
package enum SystemClock {
    /// Never jumps; starts anywhere.
    package static var monotonicNanoseconds: Int64 { cposix_monotonic_nanoseconds() }
    /// Since 1970, and only as right as the machine's clock.
    package static var wallMilliseconds: Int64 { cposix_wall_milliseconds() }
}
