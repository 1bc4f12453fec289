import CPosix
import Glibc

/// A thread of our own, to be joined or given up exactly once.
package struct SystemThread: Sendable {
    private let handle: pthread_t

    /// Starts a thread. Its name is cut to the 15 bytes that the kernel keeps.
    package static func start(
        named name: String,
        _ body: @escaping @Sendable () -> Void
    ) throws(PosixError) -> SystemThread {
        let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
        var handle = pthread_t()
        let code = pthread_create(&handle, nil, runThread, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw PosixError(code: code, call: "pthread_create")
        }
        return SystemThread(handle: handle)
    }

    /// Starts a thread that takes `state` over: the way to build an event loop here and run it
    /// there, although it is not Sendable.
    package static func start<State>(
        named name: String,
        handing state: consuming sending State,
        _ body: @escaping @Sendable (sending State) -> Void
    ) throws(PosixError) -> SystemThread {
        let handover = Handover(state)
        return try start(named: name) {
            guard let state = handover.take() else { return }
            body(state)
        }
    }

    /// Waits for the thread's end.
    package func join() { pthread_join(handle, nil) }

    /// Lets the thread end whenever it does: nobody will wait for it.
    package func giveUp() { pthread_detach(handle) }
}

private final class ThreadStart: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

/// Carries a value to the thread that takes it. The creation of the thread orders the two.
private final class Handover<State>: @unchecked Sendable {
    private var state: State?

    init(_ state: consuming sending State) { self.state = consume state }

    func take() -> sending State? {
        nonisolated(unsafe) let taken = state
        state = nil
        return taken
    }
}

// A global function: a closure written inside a main-actor context would trap on its own thread.
private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
    _ = String(decoding: start.name.utf8.prefix(15), as: UTF8.self)
        .withCString { cposix_name_this_thread($0) }
    start.body()
    return nil
}
