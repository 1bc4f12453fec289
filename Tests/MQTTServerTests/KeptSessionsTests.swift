import BrokerModel
import CommitLog
import HeadwaterTesting
import MQTTServer
import MQTTSessions
import Partitions
import Testing

/// What `__mqtt_sessions` is worth: bounded, believed, and failing alone.
@Suite struct KeptSessionsTests {
    private static let small = ["segment.bytes": "65536"]

    /// The machine dies, and its disk comes back.
    private func crash(_ broker: KeepingBroker, _ files: SimulatedFileSystem)
        -> SimulatedFileSystem
    {
        // Taken first: the stop writes a last checkpoint, which a power cut would not wait for.
        let survivors = files.survivors(seed: 3)
        files.crash(atCall: files.calls + 1)
        broker.stop()
        return survivors
    }

    @Test func `what stands before a snapshot is deleted, and nothing that is needed`() throws {
        var files = SimulatedFileSystem()
        var generator = SeededGenerator(seed: 11)
        let filters = (0..<40).map { number in
            "\(number)/" + (0..<300).map { _ in String(generator.below(10)) }.joined()
        }
        var earlier = Offset.zero
        for round in 0..<30 {
            let broker = try KeepingBroker(files, sessionSettings: Self.small)
            let peer = try broker.peer()
            try peer.sendConnect("kept", isClean: false)
            let connack = try #require(try peer.next())
            #expect(connack.body == [round == 0 ? 0 : 1, 0], "round \(round)")
            if round == 0 { for filter in filters { try peer.subscribe(filter) } }
            try peer.publish(filters[39])
            #expect(try peer.next()?.topic == filters[39])
            try peer.publishOnce([1], identifier: 7, again: round > 0)
            #expect(try peer.next()?.kind == .pubrec)
            #expect(broker.sessions.logStartOffset >= earlier)
            earlier = broker.sessions.logStartOffset
            files = crash(broker, files)
        }
        #expect(earlier > .zero)
        let last = try KeepingBroker(files)
        #expect(last.found("kept")?.session.subscriptions.count == filters.count)
        // QoS 0 is not waited for, and a crash may take it; the one at QoS 2 is there once.
        #expect(last.found("kept")?.receipts.count == 1)
    }

    @Test func `a burst of SUBSCRIBEs is one record`() throws {
        let broker = try KeepingBroker(SimulatedFileSystem())
        let peer = try broker.peer()
        try peer.connect("kept", isClean: false)
        let subscribe: [UInt8] = [0x82, 6, 0, 1, 0, 1, 0x74, 0]
        let count = 2_000
        try peer.send((0..<count).flatMap { _ in subscribe })
        for _ in 0..<count { #expect(try peer.next()?.kind == .suback) }
        try peer.publishOnce([1], identifier: 1)
        #expect(try peer.read { $0.kind == .pubrec }.count == 2)
        let records = broker.sessions.highWatermark.rawValue
        #expect(records > 1 && records < 100, "\(records)")
    }

    @Test func `no user property makes a receipt`() throws {
        let files = SimulatedFileSystem()
        let broker = try KeepingBroker(files)
        let victim = try broker.peer()
        try victim.connect("victim", isClean: false)
        try victim.publishOnce([1], identifier: 1)
        #expect(try victim.next()?.kind == .pubrec)
        let forger = try broker.peer()
        try forger.connect("forger", isVersion5: true)
        let forged = property("mqtt.client", "victim") + property("mqtt.receipt", "7:99")
        for head in [0x32, 0x34] as [UInt8] {
            let body = [0, 1, 0x74, 0, 9, UInt8(forged.count)] + forged + [1]
            try forger.send([head, UInt8(body.count)] + body)
            #expect(try forger.next()?.identifier == 9)
        }
        let after = try KeepingBroker(crash(broker, files))
        #expect(after.recordsScanned == 3)
        #expect(after.found("victim")?.receipts == [1: 1])
    }

    private func property(_ name: String, _ value: String) -> [UInt8] {
        [0x26, 0, UInt8(name.utf8.count)] + Array(name.utf8) + [0, UInt8(value.utf8.count)]
            + Array(value.utf8)
    }

    @Test func `a failing log of sessions refuses QoS 2 of kept sessions, and nothing else`() throws
    {
        let files = SimulatedFileSystem()
        let broker = try KeepingBroker(files)
        let kept = try broker.peer()
        try kept.connect("kept", isClean: false)
        try kept.publishOnce([1], identifier: 1)
        #expect(try kept.next()?.kind == .pubrec)
        var faults = SimulatedFaults()
        let log = SessionJournalRecord.topic + "-0/00000000000000000000.log"
        faults.fail(.write, pathSuffix: log, reason: .noSpace, times: .max)
        files.setFaults(faults)
        try kept.release(1)
        #expect(try kept.next() == nil, "no PUBCOMP for what is not written down")
        let again = try broker.peer()
        try again.connect("kept", isClean: false)
        let before = broker.reader.highWatermark
        try again.publishOnce([2], identifier: 2)
        #expect(try again.next() == nil, "refused before it is stored")
        #expect(broker.reader.highWatermark == before)
        let clean = try broker.peer()
        try clean.connect("clean")
        try clean.publishOnce([3], identifier: 3)
        #expect(try clean.next()?.kind == .pubrec)
        try clean.release(3)
        #expect(try clean.next()?.kind == .pubcomp)
        try clean.publish("t", identifier: 4)
        #expect(try clean.next()?.kind == .puback)
    }

    @Test func `receipts in a partition that a start cannot read are found by the next one`() throws
    {
        let files = SimulatedFileSystem()
        let first = try KeepingBroker(files)
        let peer = try first.peer()
        try peer.connect("kept", isClean: false)
        try peer.publishOnce([1], identifier: 7)
        #expect(try peer.next()?.kind == .pubrec)
        let survivors = crash(first, files)
        var faults = SimulatedFaults()
        let log = "/mqtt-0/00000000000000000000.log"
        faults.fail(.read, pathSuffix: log, reason: .io, times: .max)
        let second = try KeepingBroker(survivors, duringRestore: faults)
        #expect(second.found("kept")?.receipts == [:])
        // A receipt of this life has a place of its own, and moves none.
        let other = try second.peer()
        try other.connect("other", isClean: false)
        try other.publishOnce([2], identifier: 8)
        #expect(try other.next()?.kind == .pubrec)
        second.stop()
        let third = try KeepingBroker(survivors)
        #expect(third.found("kept")?.receipts == [7: 1])
        #expect(third.found("other")?.receipts.keys.sorted() == [8])
    }

    @Test func `QoS 1 subscriptions work after a restart, beside QoS 1 and 2 of the same client`()
        throws
    {
        let files = SimulatedFileSystem()
        let first = try KeepingBroker(files)
        let before = try first.peer()
        try before.connect("all", isClean: false)
        try before.subscribe("t", qos: 1)
        // Its PUBREC says that what came before it is durable.
        try before.publishOnce([0], identifier: 5)
        _ = try before.read { $0.kind == .pubrec }
        let broker = try KeepingBroker(crash(first, files))
        let peer = try broker.peer()
        try peer.sendConnect("all", isClean: false)
        #expect(try peer.next()?.body == [1, 0])
        try peer.publishOnce([2], identifier: 1)
        try peer.publish("t", [1], identifier: 2)
        var kinds: [UInt8: Int] = [:]
        for _ in 0..<4 {
            let packet = try #require(try peer.next())
            kinds[packet.kind.rawValue, default: 0] += 1
            if packet.kind == .publish {
                #expect(packet.flags & 0b110 == 0b010, "at QoS 1")
                try peer.acknowledge(packet)
            }
        }
        #expect(kinds == [3: 2, 4: 1, 5: 1])
        try peer.release(1)
        #expect(try peer.next()?.kind == .pubcomp)
        try peer.publishOnce([2], identifier: 1)
        #expect(try peer.read { $0.kind == .pubrec }.count == 2)
        try peer.publishOnce([2], identifier: 1, again: true)
        #expect(try peer.next()?.kind == .pubrec)
        #expect(broker.counters.receivedOnce.count == 2)
        #expect(broker.counters.repeated.count == 1)
        #expect(broker.counters.releases.count == 1)
    }
}
