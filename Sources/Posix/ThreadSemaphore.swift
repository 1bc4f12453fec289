import CPosix
import Glibc

/// Counts what there is to do; threads sleep on it while there is nothing.
package final class ThreadSemaphore: @unchecked Sendable {
    /// Behind a pointer, because the kernel knows it by its address.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    package init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    package func signal() { sem_post(semaphore) }

    /// Returns once for each signal.
    package func wait() {
        while sem_wait(semaphore) != 0 {}  // Only a signal's handler interrupts it.
    }

    /// The same, but false when no signal came until the monotonic clock showed `deadline`.
    package func wait(untilNanoseconds deadline: Int64) -> Bool {
        cposix_semaphore_wait(semaphore, deadline) == 0
    }
}
