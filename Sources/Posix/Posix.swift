// Posix lends the operating system to the other modules: clocks, sockets, epoll, threads, signals.
//
// Start at `SocketAddress` and `SocketDescriptor` for the network, `SystemThread` for threads and
// `SystemClock` for time. Each function is one system call or two, with typed errors and no
// policy: who waits, retries or gives up is the caller's decision. Only this module imports Glibc
// and CPosix, so that a search for a system call ends here.
