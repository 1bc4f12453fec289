import BrokerModel
import HeadwaterTesting
import MQTTSessions
import MQTTWire
import Testing

private let place = ReceiptPlace(
    topicID: UUIDBytes(high: 1, low: 2),
    partition: 0,
    offset: Offset(100),
    firstReceipt: 10
)

private func session(_ client: Text, firstReceipt: UInt64 = 1) -> SessionJournalRecord {
    .session(KeptSession(clientIdentifier: client, expiryInterval: 60, firstReceipt: firstReceipt))
}

private func receipt(_ identifier: UInt16, _ number: UInt64) -> OutstandingReceipt {
    OutstandingReceipt(packetIdentifier: identifier, receipt: number)
}

extension SessionRecovery {
    fileprivate init(_ records: SessionJournalRecord...) {
        self.init()
        for record in records { apply(record) }
    }

    fileprivate mutating func apply(_ record: SessionJournalRecord) {
        var key = ByteWriter()
        var value = ByteWriter()
        let hasValue = record.write(key: &key, value: &value)
        apply(key: key.bytes, value: hasValue ? value.bytes : nil)
    }

    fileprivate mutating func found(_ client: String, _ receipt: OutstandingReceipt) {
        Array(client.utf8).withUnsafeBytes { client in
            found(
                client: client,
                packetIdentifier: receipt.packetIdentifier,
                receipt: receipt.receipt,
                in: place
            )
        }
    }
}

@Suite struct SessionRecoveryTests {
    @Test func `a receipt in the data is outstanding while its session lives`() {
        var recovery = SessionRecovery(session("a"), .place(place))
        #expect(recovery.places == [place])
        recovery.found("a", receipt(7, 12))
        recovery.found("stranger", receipt(7, 13))
        #expect(recovery.sessions["a"]?.receipts == [7: 12])
        #expect(recovery.sessions.count == 1)
        #expect(recovery.lastReceipt == 13, "no number is given twice")
    }

    @Test func `a release ends a receipt, whether its data is read or not`() {
        var recovery = SessionRecovery(
            session("a"),
            .outstanding(checkpoint: 1, client: "a", [receipt(1, 3), receipt(2, 4)]),
            .checkpoint(
                ReceiptCheckpoint(number: 1, lastReceipt: 9, hasAllSessions: false, places: [place])
            ),
            .releases([
                ReceiptRelease(client: "a", receipt: receipt(1, 3)),
                ReceiptRelease(client: "a", receipt: receipt(5, 12)),
            ])
        )
        recovery.found("a", receipt(5, 12))
        recovery.found("a", receipt(5, 20))
        #expect(recovery.sessions["a"]?.receipts == [2: 4, 5: 20])
    }

    @Test func `what a checkpoint has seen in a partition is not believed again`() {
        var recovery = SessionRecovery(
            session("a"),
            .releases([ReceiptRelease(client: "a", receipt: receipt(1, 8))]),
            .checkpoint(
                ReceiptCheckpoint(number: 1, lastReceipt: 9, hasAllSessions: false, places: [place])
            )
        )
        recovery.found("a", receipt(1, 8))
        #expect(recovery.sessions["a"]?.receipts == [:], "the batch beside it was still under way")
        recovery.found("a", receipt(1, 10))
        #expect(recovery.sessions["a"]?.receipts == [1: 10])
    }

    @Test func `a checkpoint that was cut short changes nothing`() {
        let recovery = SessionRecovery(
            session("a"),
            .outstanding(checkpoint: 1, client: "a", [receipt(1, 3)]),
            .checkpoint(
                ReceiptCheckpoint(number: 1, lastReceipt: 9, hasAllSessions: true, places: [])
            ),
            .outstanding(checkpoint: 2, client: "a", [])
        )
        #expect(recovery.sessions["a"]?.receipts == [1: 3])
        #expect(!recovery.endsWithSnapshot)
    }

    @Test func `a session that began anew has none of the receipts before`() {
        var recovery = SessionRecovery(session("a"), .place(place))
        recovery.apply(session("a", firstReceipt: 15))
        recovery.found("a", receipt(1, 12))
        recovery.found("a", receipt(2, 15))
        #expect(recovery.sessions["a"]?.receipts == [2: 15])
        recovery.apply(.sessionEnded("a"))
        recovery.found("a", receipt(3, 16))
        #expect(recovery.sessions.isEmpty)
    }

    @Test func `a newer receipt with the same packet identifier takes the older one's place`() {
        var recovery = SessionRecovery(session("a"), .place(place))
        recovery.found("a", receipt(1, 12))
        recovery.found("a", receipt(1, 14))
        recovery.found("a", receipt(1, 13))
        #expect(recovery.sessions["a"]?.receipts == [1: 14])
    }

    @Test func `a forged number does not use the numbers up`() {
        var recovery = SessionRecovery(session("a"), .place(place))
        recovery.found("a", receipt(1, .max))
        #expect(recovery.lastReceipt == 0)
        #expect(recovery.sessions["a"]?.receipts == [:])
    }

    @Test func `every record reads back as it was written`() {
        let subscription = KeptSubscription(
            filter: "plant/+/#",
            options: SubscriptionOptions(
                qosMax: .atLeastOnce,
                isNoLocal: true,
                isRetainAsPublished: true,
                retainHandling: .never
            ),
            identifier: 77
        )
        let kept = KeptSession(
            clientIdentifier: "gauge-ä",
            version: .v311,
            expiryInterval: .max,
            expiresAt: Timestamp(rawValue: 1_700_000_000_000),
            firstReceipt: 1 << 40,
            subscriptions: [subscription]
        )
        let releases = (UInt16(1)...3).map {
            ReceiptRelease(client: $0 == 3 ? "b" : "a", receipt: receipt($0, 9))
        }
        let records: [SessionJournalRecord] = [
            .session(kept), .sessionEnded("x"), .releases(releases), .place(place),
            .outstanding(checkpoint: 4, client: "a", [receipt(1, 2), receipt(65_535, .max)]),
            .checkpoint(
                ReceiptCheckpoint(number: 4, lastReceipt: 9, hasAllSessions: true, places: [place])
            ),
        ]
        for record in records {
            var key = ByteWriter()
            var value = ByteWriter()
            let hasValue = record.write(key: &key, value: &value)
            #expect(
                SessionJournalRecord(key: key.bytes, value: hasValue ? value.bytes : nil) == record
            )
        }
    }

    @Test func `a session's record is these bytes`() {
        var key = ByteWriter()
        var value = ByteWriter()
        _ = SessionJournalRecord.session(
            KeptSession(
                clientIdentifier: "ab",
                version: .v5,
                expiryInterval: 258,
                firstReceipt: 3,
                subscriptions: [
                    KeptSubscription(
                        filter: "x",
                        options: SubscriptionOptions(qosMax: .atLeastOnce),
                        identifier: 5
                    )
                ]
            )
        ).write(key: &key, value: &value)
        #expect(Array(key.bytes) == [0x53, 0x61, 0x62])
        #expect(
            Array(value.bytes) == [1, 5, 0, 0, 1, 2] + [UInt8](repeating: 0xff, count: 8)
                + [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 1, 0x78, 1, 0, 0, 0, 5]
        )
    }

    @Test func `wrong bytes are counted and passed over`() {
        var generator = SeededGenerator(seed: 5)
        var recovery = SessionRecovery(session("a"))
        let kinds: [UInt8] = [0x43, 0x4f, 0x50, 0x52, 0x53, 0x00]
        for _ in 0..<5_000 {
            var key = (0..<generator.below(24)).map { _ in UInt8(generator.below(256)) }
            key.insert(kinds[generator.below(kinds.count)], at: 0)
            let value = (0..<generator.below(60)).map { index in
                index == 0 ? 1 : UInt8(generator.below(4) == 0 ? generator.below(256) : 0)
            }
            key.withUnsafeBytes { key in
                value.withUnsafeBytes { recovery.apply(key: key, value: $0) }
            }
        }
        #expect(recovery.unreadable > 1_000)
    }
}

/// Sessions and their subscriptions over a restart of the broker.
@Suite struct SessionKeepingTests {
    /// What the next broker would read.
    private func records(of broker: Broker) -> [SessionJournalRecord] {
        broker.directory.takeChanges().compactMap { change in
            switch change {
            case .kept(let handle, _):
                broker.directory.kept(handle, now: broker.now, wallClock: broker.wallClock)
                    .map { .session($0) }
            case .ended(let client): .sessionEnded(client)
            }
        }
    }

    private func restart(_ records: [SessionJournalRecord], after: Duration = .zero) -> Broker {
        var recovery = SessionRecovery()
        for record in records { recovery.apply(record) }
        let broker = Broker()
        let clock = Timestamp(rawValue: broker.wallClock.rawValue + after.wholeMilliseconds)
        #expect(broker.directory.restore(recovery, now: broker.now, wallClock: clock) == 0)
        return broker
    }

    @Test func `a session that outlives its connection is present after a restart`() {
        let first = Broker()
        let client = first.connect("c", isCleanStart: false, expiry: 100)
        client.subscribe("a/#", options: SubscriptionOptions(qosMax: .atLeastOnce))
        client.subscribe("b", options: .init(), identifier: 9)
        _ = client.unsubscribe("b")
        first.connect("gone").subscribe("x")
        let written = records(of: first)
        #expect(!written.contains { if case .sessionEnded = $0 { true } else { false } })
        let second = restart(written, after: .seconds(99))
        #expect(second.sessionCount == 1)
        #expect(second.subscriptions.count == 1)
        let again = second.open().connect("c", isCleanStart: false, expiry: 100)
        #expect(again?.isSessionPresent == true)
    }

    @Test func `a session's time goes on while the broker is down`() {
        let first = Broker()
        let client = first.connect("c", isCleanStart: false, expiry: 100)
        client.lose()
        let second = restart(records(of: first), after: .seconds(101))
        #expect(second.sessionCount == 0)
        #expect(second.directory.takeChanges() == [.ended("c")])
        #expect(second.memory.used == .zero)
    }

    @Test func `a clock in the past lengthens no session`() {
        let first = Broker()
        first.connect("c", isCleanStart: false, expiry: 100).lose()
        let second = restart(records(of: first), after: .seconds(-1_000_000))
        second.advance(.seconds(101))
        _ = second.sweep()
        #expect(second.sessionCount == 0)
    }

    @Test func `an end is written down for what was written down`() {
        let broker = Broker()
        let client = broker.connect("c", isCleanStart: false, expiry: 100)
        broker.connect("brief").lose()
        #expect(records(of: broker).count == 1)
        client.disconnect(expiry: 0)
        #expect(records(of: broker) == [.sessionEnded("c")])
        _ = broker.connect("d", isCleanStart: false, expiry: 100)
        _ = records(of: broker)
        _ = broker.connect("d", isCleanStart: false, expiry: 0)
        #expect(records(of: broker) == [.sessionEnded("d")])
    }

    @Test func `receipts come back with their session`() {
        let first = Broker()
        _ = first.connect("c", isCleanStart: false, expiry: 100)
        var recovery = SessionRecovery()
        for record in records(of: first) { recovery.apply(record) }
        recovery.found("c", receipt(7, 12))
        let second = Broker()
        _ = second.directory.restore(recovery, now: second.now, wallClock: second.wallClock)
        let client = second.connect("c", isCleanStart: false, expiry: 100)
        let again = client.publish(
            "a",
            qos: .exactlyOnce,
            packetIdentifier: 7,
            isDuplicate: true
        )
        #expect(again == [0x50, 2, 0, 7])
        #expect(client.publishes.isEmpty)
        client.release(7)
        #expect(client.releases.map(\.receipt) == [12])
        #expect(second.directory.takeReceiptNumber() == 13)
    }
}
