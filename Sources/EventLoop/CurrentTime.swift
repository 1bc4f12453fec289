import BrokerModel
import Posix

extension MonotonicTime {
    /// The machine's monotonic clock, read now. A loop's own `now` costs less.
    public static var current: MonotonicTime {
        MonotonicTime(nanoseconds: SystemClock.monotonicNanoseconds)
    }
}
