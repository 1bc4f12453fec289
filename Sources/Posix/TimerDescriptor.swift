import CPosix

/// A descriptor that becomes readable at a time, for an `Epoll` that must wake more exactly than to
/// the millisecond of its own timeout.
package final class TimerDescriptor {
    package let descriptor: Int32

    package init() throws(PosixError) {
        descriptor = try PosixError.check(cposix_timer_create(), "timerfd_create")
    }

    deinit { _ = cposix_close(descriptor) }

    /// Readable from that time of the monotonic clock on, until it is set again.
    package func set(to nanoseconds: Int64) {
        // Zero would mean never.
        _ = cposix_timer_set(descriptor, max(1, nanoseconds))
    }
}
