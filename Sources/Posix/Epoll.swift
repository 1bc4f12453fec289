import CPosix

/// What a descriptor waits for, or is ready for.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let input = Readiness(rawValue: UInt32(cposix_ready_input))
    package static let output = Readiness(rawValue: UInt32(cposix_ready_output))
    /// Reset or hung up. Always reported, never asked for.
    package static let failed = Readiness(rawValue: UInt32(cposix_ready_failed))
}

/// The kernel's list of descriptors and what they wait for; level-triggered.
package final class Epoll {
    private let descriptor: Int32
    private let events: UnsafeMutablePointer<cposix_event>

    package init() throws(PosixError) {
        descriptor = try PosixError.check(cposix_epoll_create(), "epoll_create1")
        events = .allocate(capacity: Int(cposix_events_max))
    }

    deinit {
        events.deallocate()
        _ = cposix_close(descriptor)
    }

    package func add(
        _ watched: Int32,
        _ wanted: Readiness,
        tag: UInt64
    ) throws(PosixError) {
        let answer = cposix_epoll_add(descriptor, watched, wanted.rawValue, tag)
        try PosixError.check(answer, "epoll_ctl")
    }

    /// Changes what a watched descriptor waits for; false when the kernel no longer watches it.
    @discardableResult
    package func change(_ watched: Int32, _ wanted: Readiness, tag: UInt64) -> Bool {
        cposix_epoll_change(descriptor, watched, wanted.rawValue, tag) == 0
    }

    /// Waits until something is ready and says how many are. Below zero: no timeout.
    package func wait(milliseconds: Int32) -> Int {
        Int(max(0, cposix_epoll_wait(descriptor, events, milliseconds)))
    }

    /// The tag and readiness of one of the descriptors that the last `wait` found.
    package func event(at index: Int) -> (tag: UInt64, ready: Readiness) {
        (events[index].tag, Readiness(rawValue: events[index].ready))
    }
}

/// Wakes an `Epoll` that waits on another thread.
package final class WakeEvent: Sendable {
    package let descriptor: Int32

    package init() throws(PosixError) {
        descriptor = try PosixError.check(cposix_wake_create(), "eventfd")
    }

    deinit { _ = cposix_close(descriptor) }

    package func signal() { _ = cposix_wake_signal(descriptor) }
    package func clear() { _ = cposix_wake_clear(descriptor) }
}
