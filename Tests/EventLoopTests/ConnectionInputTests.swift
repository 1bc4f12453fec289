import BrokerModel
import EventLoop
import Posix
import Testing

@Suite struct ConnectionInputTests {
    @Test func `what comes is sent back`() throws {
        let harness = try LoopHarness(handler: echo)
        let client = try harness.connect()
        let bytes = pattern(100_000)
        try client.write(bytes)
        #expect(try client.readExactly(bytes.count) == bytes)
    }

    @Test func `frames fed byte by byte come out whole`() throws {
        let harness = try LoopHarness(handler: sumFrames)
        let client = try harness.connect()
        for length in [0, 1, 300] {
            for byte in frame(pattern(length)) { try client.write([byte]) }
            let answer = try client.readSum()
            #expect(answer.length == UInt32(length))
            #expect(answer.sum == pattern(length).reduce(0) { $0 + UInt64($1) })
        }
        try harness.expectEventually { $0.input.used == .zero }
    }

    @Test func `many frames in one write are all answered`() throws {
        let harness = try LoopHarness(handler: sumFrames)
        let client = try harness.connect()
        let frames = (0..<2_000).flatMap { frame(pattern($0 % 97)) }
        try client.write(frames)
        for index in 0..<2_000 {
            #expect(try client.readSum().length == UInt32(index % 97))
        }
    }

    @Test func `a frame of 1 MiB in small chunks costs its handler two calls`() throws {
        let calls = Journal<Int>()
        let harness = try LoopHarness { connection, scope in
            let inner = sumFrames(connection, scope)
            return ScriptedHandler(connection, scope) { input, output in
                calls.record(input.count)
                return inner.received(input, output: &output)
            }
        }
        let client = try harness.connect()
        let bytes = frame(pattern(1 << 20))
        for start in stride(from: 0, to: bytes.count, by: 1_000) {
            try client.write(Array(bytes[start..<min(start + 1_000, bytes.count)]))
        }
        let answer = try client.readSum()
        #expect(answer.length == 1 << 20)
        #expect(answer.sum == pattern(1 << 20).reduce(0) { $0 + UInt64($1) })
        #expect(calls.entries.count == 2)
        #expect(calls.entries.last == bytes.count)
    }

    @Test func `a frame of unknown length is kept in memory that doubles`() throws {
        let harness = try LoopHarness { connection, scope in
            ScriptedHandler(connection, scope) { input, output in
                guard input.last == 0xff else { return .read(consumed: 0) }
                output.writeInteger(UInt32(input.count))
                return .read(consumed: input.count)
            }
        }
        let client = try harness.connect()
        let line = [UInt8](repeating: 1, count: 700_000)
        for start in stride(from: 0, to: line.count, by: 10_000) {
            try client.write(Array(line[start..<start + 10_000]))
        }
        try client.write([0xff])
        #expect(try client.readExactly(4) == [0x00, 0x0a, 0xae, 0x61])
        try harness.expectEventually { $0.input.used == .zero }
    }

    @Test func `resuming shows again what a paused handler left`() throws {
        let seen = Journal<[UInt8]>()
        let harness = try LoopHarness { connection, scope in
            ScriptedHandler(connection, scope) { input, output in
                seen.record(Array(input))
                output.writeByte(input[0])
                return .pause(consumed: 1)
            }
        }
        let client = try harness.connect()
        try client.write([1, 2, 3])
        _ = try seen.wait { $0.count == 1 }
        harness.perform { $0.connections[0].resumeReading() }
        _ = try seen.wait { $0.count == 2 }
        harness.perform {
            $0.connections[0].resumeReading()
            $0.connections[0].resumeReading()  // A second call changes nothing.
        }
        #expect(try seen.wait { $0.count == 3 } == [[1, 2, 3], [2, 3], [3]])
        #expect(try client.readExactly(3) == [1, 2, 3])
    }

    @Test func `a paused connection is not read, and its peer is held up`() throws {
        var limits = ConnectionLimits()
        limits.receiveBufferBytes = .kibibytes(16)
        let harness = try LoopHarness(limits: limits) { connection, scope in
            ScriptedHandler(connection, scope) { input, output in
                output.writeInteger(UInt32(input.count))
                return .pause(consumed: input.count)
            }
        }
        let client = try harness.connect()
        try client.write([1])
        #expect(try client.readExactly(4) == [0, 0, 0, 1])
        let received = harness.counters.bytesReceived.count
        try client.write([2])
        try harness.expectEventually { !$0.connections[0].isReading }
        #expect(harness.counters.bytesReceived.count == received)
        harness.perform { $0.connections[0].resumeReading() }
        #expect(try client.readExactly(4) == [0, 0, 0, 1])
    }

    @Test func `a packet that never ends is timed out, and nobody else is`() throws {
        var limits = ConnectionLimits()
        limits.packetTimeout = .milliseconds(80)
        let harness = try LoopHarness(limits: limits, handler: sumFrames)
        let idle = try harness.connect()
        try idle.write(frame([7]))
        #expect(try idle.readSum().sum == 7)
        let slow = try harness.connect()
        try slow.write([0, 0])
        #expect(try slow.readToEnd() == [])
        #expect(try harness.closes.wait { !$0.isEmpty }.map(\.reason) == [.timedOut(.packet)])
        #expect(harness.counters.timedOut.count == 1)
        try idle.write(frame([8]))
        #expect(try idle.readSum().sum == 8)
    }

    @Test func `a connection that says nothing is timed out, unless its handshake is done`() throws
    {
        var limits = ConnectionLimits()
        limits.handshakeTimeout = .milliseconds(80)
        let harness = try LoopHarness(limits: limits) { connection, scope in
            ScriptedHandler(connection, scope) { input, output in
                connection.handshakeCompleted()
                output.writeBytes(input)
                return .read(consumed: input.count)
            }
        }
        let polite = try harness.connect()
        try polite.write([1])
        #expect(try polite.readExactly(1) == [1])
        let silent = try harness.connect()
        #expect(try silent.readToEnd() == [])
        #expect(try harness.closes.wait { !$0.isEmpty }.map(\.reason) == [.timedOut(.handshake)])
        try polite.write([2])
        #expect(try polite.readExactly(1) == [2])
    }

    @Test func `a full input pool holds its connection up until there is room`() throws {
        let harness = try LoopHarness(inputBytes: .kibibytes(300), handler: sumFrames)
        let body = pattern(200_000)
        let first = try harness.connect()
        let second = try harness.connect()
        try first.write(Array(frame(body).prefix(5_000)))
        try harness.expectEventually { $0.input.used.rawValue > 200_000 }
        try second.write(Array(frame(body).prefix(5_000)))
        #expect(try harness.reports.wait { !$0.isEmpty } == [.inputPoolFull(count: 1)])
        let isReading = try harness.ask { $0.connections[1].isReading }
        #expect(!isReading)
        #expect(harness.input.used <= harness.input.capacity)
        try first.write(Array(frame(body).dropFirst(5_000)))
        #expect(try first.readSum().length == 200_000)
        try second.write(Array(frame(body).dropFirst(5_000)))
        #expect(try second.readSum().length == 200_000)
        try harness.expectEventually { $0.input.used == .zero }
    }
}
