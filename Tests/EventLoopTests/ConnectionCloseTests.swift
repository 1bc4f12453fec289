import BrokerModel
import EventLoop
import Posix
import Testing

@Suite struct ConnectionCloseTests {
    @Test func `the last bytes arrive although the peer's own were never read`() throws {
        let harness = try LoopHarness { connection, scope in
            ScriptedHandler(connection, scope) { input, output in
                output.writeBytes(pattern(200_000))
                return .close(consumed: 1, .protocolViolation("no"))
            }
        }
        let client = try harness.connect()
        try client.write(pattern(300_000))
        #expect(try client.readToEnd() == pattern(200_000))
        let close = Close(id: 1, reason: .protocolViolation("no"))
        #expect(try harness.closes.wait { !$0.isEmpty } == [close])
    }

    @Test func `a peer that never takes its last bytes is cut off`() throws {
        var limits = ConnectionLimits()
        limits.closeTimeout = .milliseconds(80)
        limits.sendBufferBytes = .kibibytes(64)
        let harness = try LoopHarness(limits: limits) { connection, scope in
            ScriptedHandler(connection, scope) { input, output in
                output.writeBytes(pattern(4 << 20))
                return .close(consumed: input.count, .finished)
            }
        }
        let client = try harness.connect(receiveBufferBytes: 65_536)
        try client.write([0])
        try harness.expectEventually { $0.counters.open == 0 }
        #expect(harness.closes.entries == [Close(id: 1, reason: .finished)])
        #expect(harness.output.used == .zero)
        _ = client.descriptor
    }

    @Test func `a peer's end and a peer's reset are told apart`() throws {
        let harness = try LoopHarness(handler: echo)
        do {
            let client = try harness.connect()
            try client.write([1])
            #expect(try client.readExactly(1) == [1])
        }
        #expect(try harness.closes.wait { $0.count == 1 }.last?.reason == .peerClosed)
        do {
            let client = try harness.connect()
            try client.write([1])
            #expect(try client.readExactly(1) == [1])
            client.descriptor.resetOnClose()
        }
        #expect(try harness.closes.wait { $0.count == 2 }.last?.reason == .peerReset)
        #expect(harness.counters.open == 0)
    }

    @Test func `a paused connection notices its peer's reset`() throws {
        let harness = try LoopHarness { connection, scope in
            ScriptedHandler(connection, scope) { input, output in
                output.writeByte(1)
                return .pause(consumed: 0)
            }
        }
        do {
            let client = try harness.connect()
            try client.write([1, 2, 3])
            #expect(try client.readExactly(1) == [1])
            client.descriptor.resetOnClose()
        }
        #expect(try harness.closes.wait { !$0.isEmpty }.map(\.reason) == [.peerReset])
        #expect(harness.input.used == .zero)
    }

    @Test func `a handler that closes itself inside received is told so once`() throws {
        let harness = try LoopHarness { connection, scope in
            ScriptedHandler(connection, scope) { input, output in
                output.writeByte(7)
                connection.close(.finished)
                connection.close(.peerClosed)
                connection.resumeReading()
                return .read(consumed: 0)
            }
        }
        let client = try harness.connect()
        try client.write([1, 2, 3])
        #expect(try client.readToEnd() == [7])
        try harness.expectEventually { $0.counters.open == 0 }
        #expect(harness.closes.entries == [Close(id: 1, reason: .finished)])
        #expect(harness.input.used == .zero)
    }

    @Test func `a handler that aborts itself inside received is gone at once`() throws {
        let harness = try LoopHarness { connection, scope in
            ScriptedHandler(connection, scope) { input, output in
                output.writeByte(7)
                connection.abort(.outputOverflow)
                #expect(!connection.write { $0.writeByte(8) })
                return .readFrame(consumed: 0, frameBytes: 100_000)
            }
        }
        let client = try harness.connect()
        try client.write([1])
        #expect(throws: PosixError.self) { try client.readToEnd() }
        #expect(try harness.closes.wait { !$0.isEmpty } == [Close(id: 1, reason: .outputOverflow)])
        #expect(harness.input.used == .zero)
        #expect(harness.output.used == .zero)
    }

    @Test func `closing another connection inside received hurts neither`() throws {
        let harness = try LoopHarness { connection, scope in
            ScriptedHandler(connection, scope) { [unowned scope] input, output in
                for other in scope.connections where other !== connection {
                    other.write { $0.writeByte(9) }
                    other.close(.takenOver)
                }
                output.writeBytes(input)
                return .read(consumed: input.count)
            }
        }
        let first = try harness.connect()
        try harness.expectEventually { $0.connections.count == 1 }
        let second = try harness.connect()
        try second.write([1])
        #expect(try second.readExactly(1) == [1])
        #expect(try first.readToEnd() == [9])
        #expect(harness.closes.entries == [Close(id: 1, reason: .takenOver)])
    }

    /// All connections are ready in one batch, and the first to be served aborts the rest:
    /// their events are stale.
    @Test func `aborting others whose events are in the same batch is safe`() throws {
        let harness = try LoopHarness { connection, scope in
            ScriptedHandler(connection, scope) { [unowned scope] input, output in
                for other in scope.connections where other !== connection {
                    other.abort(.takenOver)
                }
                output.writeBytes(input)
                return .read(consumed: input.count)
            }
        }
        for round in 0..<20 {
            try abortAllButOne(harness, round: round)
        }
    }

    private func abortAllButOne(_ harness: LoopHarness, round: Int) throws {
        let clients = try (0..<8).map { _ in try SharedClient(harness.connect()) }
        try harness.expectEventually { scope in
            scope.counters.open == 8 && scope.connections.count == 8
        }
        let arrived = Journal<Bool>()
        let written = Journal<Bool>()
        harness.perform { _ in
            arrived.record(true)
            _ = try? written.wait { !$0.isEmpty }  // Holds the loop until all are ready.
        }
        _ = try arrived.wait { !$0.isEmpty }
        for client in clients { try client.socket.write([1]) }
        written.record(true)
        let closed = try harness.closes.wait { $0.count == 8 * round + 7 }
        #expect(closed.count == 8 * round + 7)
        harness.perform { scope in
            for connection in scope.connections { connection.abort(.finished) }
            scope.connections = []
        }
        _ = try harness.closes.wait { $0.count == 8 * round + 8 }
        withExtendedLifetime(clients) {}
    }

    @Test func `stop tells every connection and frees all memory`() throws {
        let harness = try LoopHarness(handler: sumFrames)
        let clients = try (0..<20).map { _ in try SharedClient(harness.connect()) }
        for client in clients { try client.socket.write([0, 1, 0]) }
        try harness.expectEventually { scope in
            scope.counters.bytesReceived.count == 60
        }
        let reading = try SystemThread.start(named: "readers") {
            for client in clients { _ = try? client.socket.readToEnd() }
        }
        harness.stop()
        reading.join()
        #expect(harness.closes.entries.count == 20)
        #expect(harness.closes.entries.allSatisfy { $0.reason == .serverStopping })
        #expect(harness.counters.open == 0)
        #expect(harness.input.used == .zero)
        #expect(throws: PosixError.self) { _ = try harness.connect() }
        harness.perform { _ in Issue.record("a loop that has ended runs nothing") }
    }

    @Test func `stop cuts off peers that do not leave`() throws {
        let harness = try LoopHarness(handler: echo)
        let client = try harness.connect()
        try client.write([1])
        #expect(try client.readExactly(1) == [1])
        harness.stop(drain: .milliseconds(50))
        #expect(harness.closes.entries == [Close(id: 1, reason: .serverStopping)])
        #expect(harness.counters.open == 0)
    }
}

/// A client among many: an array cannot hold a noncopyable one.
final class SharedClient: Sendable {
    let socket: ClientSocket
    init(_ socket: consuming ClientSocket) { self.socket = socket }
}
