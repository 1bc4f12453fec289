import BrokerModel
import CommitLog
import HeadwaterTesting
import MQTTServer
import RecordFormat
import Testing

/// A client that says again what was not answered, and a broker whose power fails at any call of
/// its file system: what the client counted, the log holds, each message once and in order.
@Suite struct ExactlyOnceCrashTests {
    @Test(arguments: 0..<240) func `every message is stored exactly once over power cuts`(
        seed: Int
    ) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let client = ModelClient(seed: UInt64(seed))
        var files = SimulatedFileSystem()
        var crashes = 0
        var history = "seed \(seed)"
        for _ in 0..<5 {
            files.crash(atCall: files.calls + 1 + generator.below(180))
            if let broker = try? KeepingBroker(files) {
                history += "; \(broker.summary), \(client.summary) at call \(files.calls)"
                try client.live(with: broker, operations: 40)
                history += ", then \(client.summary)"
                broker.stop()
            }
            crashes += files.hasCrashed ? 1 : 0
            files = files.survivors(seed: generator.next())
        }
        let broker = try KeepingBroker(files)
        history += "; \(broker.summary)"
        try client.finish(with: broker)
        #expect(try payloads(of: broker.reader) == client.sent, "\(history)")
        #expect(crashes > 0, "seed \(seed) proves something")
        #expect(client.faults.isEmpty, "\(history)")
        broker.stop()
    }

    private func payloads(of reader: PartitionReader) throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        var offset = Offset.zero
        var decompressor = RecordDecompressor()
        while offset < reader.highWatermark {
            var bytes = ByteWriter()
            let result = try reader.read(
                from: offset,
                maxBytes: .mebibytes(1),
                minOneBatch: true,
                into: &bytes
            )
            offset = result.nextOffset
            var rest = bytes.bytes
            while let batch = try RecordBatchView.first(in: rest) {
                var cursor = try batch.records(decompressor: &decompressor, limit: .mebibytes(1))
                while let record = try cursor.next() {
                    found.append(Array(try #require(record.value)))
                }
                rest = UnsafeRawBufferPointer(rebasing: rest[batch.sizeInBytes.rawValue...])
            }
        }
        return found
    }
}

/// One client with a session that outlives its connections (3.1.1), over all lives of its broker.
private final class ModelClient {
    private struct Exchange {
        let identifier: UInt16
        let payload: [UInt8]
        var isReceived = false
    }

    /// The payloads of all messages, in the order in which they were first sent.
    private(set) var sent: [[UInt8]] = []
    private(set) var faults: [String] = []
    private var generator: SeededGenerator
    private var open: [Exchange] = []
    private var hasReceipt = false
    private let identifiers: [UInt16] = [1, 2, 3, 4]

    init(seed: UInt64) { generator = SeededGenerator(seed: seed &* 31 &+ 7) }

    var summary: String {
        "\(sent.count) sent, \(open.map { ($0.identifier, $0.isReceived) }) open"
    }

    /// Lives until the broker fails, or so many steps were made.
    func live(with broker: KeepingBroker, operations: Int) throws {
        var left = operations
        while left > 0 {
            let peer = try broker.peer()
            guard try connect(peer) else { return }
            let hangsUpAt = generator.below(30)
            for step in 0..<min(left, hangsUpAt) {
                left -= 1
                if step % 3 < 2 { try publishNew(peer) }
                guard try takeAnswer(peer) else { return }
            }
            left -= 1
        }
    }

    /// Says again what is open, and nothing new.
    func finish(with broker: KeepingBroker) throws {
        let peer = try broker.peer()
        guard try connect(peer) else { return faults.append("the last broker refuses us") }
        while !open.isEmpty {
            guard try takeAnswer(peer) else { return faults.append("the last broker hangs up") }
        }
    }

    /// False when the broker is gone.
    private func connect(_ peer: Peer) throws -> Bool {
        do { try peer.sendConnect("model", isClean: false) } catch { return false }
        guard let connack = try peer.next() else { return false }
        if connack.body[1] != 0 { faults.append("refused") }
        if hasReceipt, connack.body[0] != 1 { faults.append("the session is gone") }
        for exchange in open {
            let bytes =
                exchange.isReceived
                ? pubrel(exchange.identifier)
                : publish(exchange.payload, exchange.identifier, again: true)
            guard send(bytes, to: peer) else { return false }
        }
        return true
    }

    private func publishNew(_ peer: Peer) throws {
        let free = identifiers.filter { identifier in
            !open.contains { $0.identifier == identifier }
        }
        guard let identifier = free.first else { return }
        // Half of them say the same as the one before: only the protocol tells them apart.
        let payload: [UInt8] = generator.oneIn(2) ? [1] : Array("\(sent.count)".utf8)
        sent.append(payload)
        open.append(Exchange(identifier: identifier, payload: payload))
        _ = send(publish(payload, identifier, again: false), to: peer)
    }

    /// False when the connection is over.
    private func takeAnswer(_ peer: Peer) throws -> Bool {
        guard !open.isEmpty else { return true }
        guard let packet = try peer.next() else { return false }
        guard let place = open.firstIndex(where: { $0.identifier == packet.identifier }) else {
            faults.append("\(packet.kind) for \(packet.identifier), which is free")
            return true
        }
        switch packet.kind {
        case .pubrec:
            hasReceipt = true
            open[place].isReceived = true
            return send(pubrel(packet.identifier), to: peer)
        case .pubcomp:
            if !open[place].isReceived { faults.append("PUBCOMP before PUBREC") }
            open.remove(at: place)
            return true
        case .connack, .publish, .puback, .suback, .pingresp, .disconnect:
            faults.append("\(packet.kind) came")
            return true
        }
    }

    private func send(_ bytes: [UInt8], to peer: Peer) -> Bool {
        do {
            try peer.send(bytes)
            return true
        } catch { return false }
    }

    private func publish(_ payload: [UInt8], _ identifier: UInt16, again: Bool) -> [UInt8] {
        var bytes = Peer.publish("t", payload, identifier: identifier)
        bytes[0] = again ? 0x3c : 0x34
        return bytes
    }

    private func pubrel(_ identifier: UInt16) -> [UInt8] {
        [0x62, 2, UInt8(identifier >> 8), UInt8(identifier & 0xff)]
    }
}
