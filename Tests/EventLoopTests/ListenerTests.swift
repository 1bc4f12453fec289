import BrokerModel
import EventLoop
import Posix
import Testing

@Suite struct ListenerTests {
    @Test func `connections past the limit are told so, counted, and reported once`() throws {
        var limits = ConnectionLimits()
        limits.connectionsMax = 5
        limits.refusal = { [0xde, 0xad] }
        let harness = try LoopHarness(limits: limits, handler: echo)
        let served = try (0..<5).map { _ in try SharedClient(harness.connect()) }
        for client in served {
            try client.socket.write([1])
            #expect(try client.socket.readExactly(1) == [1])
        }
        for _ in 0..<50 {
            let refused = try harness.connect()
            try refused.write([1, 2, 3])
            #expect(try refused.readToEnd() == [0xde, 0xad])
        }
        #expect(harness.counters.refused.count == 50)
        #expect(harness.counters.accepted.count == 5)
        #expect(
            harness.reports.entries
                == [.connectionsRefused(listener: harness.address, count: 1)]
        )
        for client in served {
            try client.socket.write([2])
            #expect(try client.socket.readExactly(1) == [2])
        }
    }

    @Test func `a flood of connections that never read is shed, and room is used again`() throws {
        var limits = ConnectionLimits()
        limits.connectionsMax = 3
        limits.closeTimeout = .milliseconds(50)
        limits.refusal = { [0xde] }
        let harness = try LoopHarness(limits: limits, handler: echo)
        do {
            let flood = try (0..<200).map { _ in try SharedClient(harness.connect()) }
            try harness.expectEventually { scope in
                scope.counters.refused.count == 197
            }
            try flood[0].socket.write([1])
            #expect(try flood[0].socket.readExactly(1) == [1])
        }
        try harness.expectEventually { $0.listener?.connectionCount == 0 }
        let late = try harness.connect()
        try late.write([5])
        #expect(try late.readExactly(1) == [5])
    }

    @Test func `a port that somebody listens on is a typed error`() throws {
        let harness = try LoopHarness(handler: echo)
        let pool = MemoryPool(name: "test", capacity: .mebibytes(1))
        let settings = EventLoopSettings(input: pool, output: pool)
        let loop = try EventLoop(settings: settings)
        #expect(throws: EventLoopError.addressInUse(harness.address)) {
            _ = try loop.listen(at: harness.address, limits: ConnectionLimits()) { connection in
                echo(connection, LoopScope(loop, settings: settings, closes: harness.closes))
            }
        }
    }

    @Test func `a closed listener accepts nobody and keeps whom it has`() throws {
        let harness = try LoopHarness(handler: echo)
        let client = try harness.connect()
        try client.write([1])
        #expect(try client.readExactly(1) == [1])
        _ = try harness.ask { $0.listener?.close() != nil }
        #expect(throws: PosixError.self) { _ = try harness.connect() }
        try client.write([2])
        #expect(try client.readExactly(1) == [2])
    }
}
