import BrokerModel
import EventLoop
import Posix
import Testing

@Suite struct ConnectionOutputTests {
    private static let smallBuffers: ConnectionLimits = {
        var limits = ConnectionLimits()
        limits.receiveBufferBytes = .kibibytes(64)
        limits.sendBufferBytes = .kibibytes(64)
        return limits
    }()

    @Test func `a peer that does not read its echo is not read, and gets it all later`() throws {
        let harness = try LoopHarness(limits: Self.smallBuffers, handler: echo)
        let client = try harness.connect(receiveBufferBytes: 65_536)
        let bytes = pattern(8 << 20)
        let descriptor = client.descriptor
        let writer = try SystemThread.start(named: "writer") {
            var rest = bytes[...]
            while !rest.isEmpty {
                let sent = rest.withUnsafeBytes { descriptor.send($0) }
                guard sent > 0 else { return }
                rest = rest.dropFirst(sent)
            }
        }
        try harness.expectEventually { $0.connections.first?.isReading == false }
        #expect(harness.output.used <= .mebibytes(1))
        let other = try harness.connect()
        try other.write([1, 2, 3])
        #expect(try other.readExactly(3) == [1, 2, 3])
        #expect(try client.readExactly(bytes.count) == bytes)
        writer.join()
        try harness.expectEventually { $0.output.used == .zero }
    }

    @Test func `writes past a connection's limit are refused, and what was taken arrives`() throws {
        var limits = Self.smallBuffers
        limits.outputBytesMax = .kibibytes(128)
        let harness = try LoopHarness(limits: limits, handler: echo)
        let client = try harness.connect(receiveBufferBytes: 65_536)
        try client.write([0])
        #expect(try client.readExactly(1) == [0])
        let message = pattern(10_000)
        let taken = Journal<Int>()
        let wasRefused = try harness.eventually { scope in
            let isTaken = scope.connections[0].write { $0.writeBytes(message) }
            if isTaken { taken.record(1) }
            return !isTaken
        }
        #expect(wasRefused)
        #expect(harness.counters.outputRefused.count == 1)
        #expect(harness.output.used <= .kibibytes(128 + 64))
        #expect(try harness.reports.wait { !$0.isEmpty } == [.outputRefused(count: 1)])
        for _ in taken.entries { #expect(try client.readExactly(10_000) == message) }
        try harness.expectEventually { $0.connections[0].write { $0.writeByte(9) } }
        #expect(try client.readExactly(1) == [9])
    }

    @Test func `a full output pool refuses one connection's messages and serves another`() throws {
        let harness = try LoopHarness(
            limits: Self.smallBuffers,
            outputBytes: .kibibytes(256),
            handler: echo
        )
        let slow = try harness.connect(receiveBufferBytes: 65_536)
        try slow.write([0])
        #expect(try slow.readExactly(1) == [0])
        let message = pattern(10_000)
        try harness.expectEventually { scope in
            !scope.connections[0].write { $0.writeBytes(message) }
        }
        #expect(harness.output.used <= harness.output.capacity)
        #expect(harness.output.refusalCount > 0)
        let other = try harness.connect()
        try other.write([1, 2, 3])
        #expect(try other.readExactly(3) == [1, 2, 3])
    }

    @Test func `a message larger than the pool passes when the socket takes it`() throws {
        let harness = try LoopHarness(outputBytes: .kibibytes(16), handler: echo)
        let client = try harness.connect()
        let large = pattern(100_000)
        try client.write([0])
        #expect(try client.readExactly(1) == [0])
        #expect(
            try harness.ask { scope in
                let first = scope.connections[0].write { $0.writeBytes(large) }
                let second = scope.connections[0].write { $0.writeByte(1) }
                return first && second
            }
        )
        #expect(try client.readExactly(large.count + 1) == large + [1])
    }

    @Test func `a peer that takes nothing for too long is cut, and its memory comes back`() throws {
        var limits = Self.smallBuffers
        limits.stallTimeout = .milliseconds(80)
        let harness = try LoopHarness(limits: limits, handler: echo)
        let stuck = try harness.connect(receiveBufferBytes: 65_536)
        try stuck.write([0])
        #expect(try stuck.readExactly(1) == [0])
        let message = pattern(10_000)
        try harness.expectEventually { scope in
            !(scope.connections[0].write { $0.writeBytes(message) })
                || scope.connections[0].pendingOutput > .kibibytes(256)
        }
        let closes = try harness.closes.wait { !$0.isEmpty }
        #expect(closes.map(\.reason) == [.outputOverflow])
        #expect(harness.counters.timedOut.count == 1)
        try harness.expectEventually { $0.output.used == .zero }
    }

    @Test func `outputDrained comes once the peer has read what was stuck`() throws {
        let drained = Journal<Bool>()
        let harness = try LoopHarness(limits: Self.smallBuffers) { connection, scope in
            let handler = ScriptedHandler(connection, scope) { input, output in
                output.writeBytes(pattern(1 << 20))
                return .read(consumed: input.count)
            }
            handler.drained = { drained.record(true) }
            return handler
        }
        let client = try harness.connect(receiveBufferBytes: 65_536)
        try client.write([0])
        try harness.expectEventually { ($0.connections.first?.pendingOutput ?? .zero) > .zero }
        #expect(drained.entries.isEmpty)
        #expect(try client.readExactly(1 << 20) == pattern(1 << 20))
        #expect(try drained.wait { !$0.isEmpty }.count == 1)
        let pending = try harness.ask { $0.connections[0].pendingOutput }
        #expect(pending == .zero)
    }

    @Test func `a write from inside received follows that call's own output`() throws {
        let harness = try LoopHarness { connection, scope in
            ScriptedHandler(connection, scope) { input, output in
                output.writeByte(1)
                connection.write { $0.writeByte(3) }
                output.writeByte(2)
                connection.write { $0.writeByte(4) }
                return .read(consumed: input.count)
            }
        }
        let client = try harness.connect()
        try client.write([0])
        #expect(try client.readExactly(4) == [1, 2, 3, 4])
    }

    @Test func `what burstEnded writes leaves in the same iteration`() throws {
        let harness = try LoopHarness { connection, scope in
            scope.loop.burstEnded = { [unowned scope] in
                for connection in scope.connections where connection.pendingOutput > .zero {
                    connection.write { $0.writeByte(2) }
                }
            }
            return echo(connection, scope)
        }
        let client = try harness.connect()
        try client.write([1])
        #expect(try client.readExactly(2) == [1, 2])
    }
}
