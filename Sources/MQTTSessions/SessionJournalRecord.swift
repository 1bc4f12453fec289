import BrokerModel
import MQTTWire

/// One record of the topic `__mqtt_sessions`. `docs/FORMATS.md` has its bytes.
package enum SessionJournalRecord: Equatable, Sendable {
    case session(KeptSession)
    case sessionEnded(Text)
    /// Messages whose senders have released them.
    case releases([ReceiptRelease])
    /// A partition is about to hold receipts.
    case place(ReceiptPlace)
    /// A part of the checkpoint that closes with the same number.
    case outstanding(checkpoint: UInt64, client: Text, [OutstandingReceipt])
    case checkpoint(ReceiptCheckpoint)

    package static let topic = "__mqtt_sessions"
    /// The first byte of every value.
    static let formatVersion: UInt8 = 1
}

package struct ReceiptRelease: Hashable, Sendable {
    package var client: Text
    package var receipt: OutstandingReceipt

    package init(client: Text, receipt: OutstandingReceipt) {
        self.client = client
        self.receipt = receipt
    }
}

/// All outstanding receipts up to here are in the parts with this number, and in these places.
package struct ReceiptCheckpoint: Equatable, Sendable {
    package var number: UInt64
    /// The highest number that was given to a receipt.
    package var lastReceipt: UInt64
    /// Every session stands between this record and the one before it that says the same, so
    /// nothing older is needed.
    package var hasAllSessions: Bool
    package var places: [ReceiptPlace]

    package init(
        number: UInt64,
        lastReceipt: UInt64,
        hasAllSessions: Bool,
        places: [ReceiptPlace]
    ) {
        self.number = number
        self.lastReceipt = lastReceipt
        self.hasAllSessions = hasAllSessions
        self.places = places
    }
}

/// The first byte of a key.
private enum Kind: UInt8 {
    case session = 0x53
    case releases = 0x52
    case place = 0x50
    case outstanding = 0x4f
    case checkpoint = 0x43
}

// Writing.
extension SessionJournalRecord {
    /// False when the record has no value: a tombstone.
    package func write(key: inout ByteWriter, value: inout ByteWriter) -> Bool {
        key.removeAll()
        value.removeAll()
        value.writeByte(Self.formatVersion)
        switch self {
        case .session(let session):
            key.write(.session, session.clientIdentifier)
            value.write(session)
        case .sessionEnded(let client):
            key.write(.session, client)
            return false
        case .releases(let releases):
            var groups = ReleaseWriter()
            for release in releases {
                release.client.bytes.withUnsafeBytes { client in
                    groups.add(
                        release.receipt,
                        of: client,
                        isSameClient: groups.lastClient == release.client
                    )
                }
                groups.lastClient = release.client
            }
            key.writeBytes(ReleaseWriter.key)
            value.removeAll()
            value.writeBytes(groups.value)
        case .place(let place):
            key.writeByte(Kind.place.rawValue)
            key.writeInteger(place.topicID.high)
            key.writeInteger(place.topicID.low)
            key.writeInteger(place.partition)
            value.writeInteger(place.offset.rawValue)
            value.writeInteger(place.firstReceipt)
        case .outstanding(let checkpoint, let client, let receipts):
            key.write(.outstanding, client)
            value.writeInteger(checkpoint)
            value.writeInteger(UInt32(receipts.count))
            for receipt in receipts { value.write(receipt) }
        case .checkpoint(let checkpoint):
            key.writeByte(Kind.checkpoint.rawValue)
            value.write(checkpoint)
        }
        return true
    }
}

/// Collects the releases of a burst into one record: groups of one client each.
package struct ReleaseWriter: ~Copyable {
    package static let key: [UInt8] = [Kind.releases.rawValue]
    private var writer = ByteWriter()
    private var countPosition = 0
    private var count: UInt16 = 0
    fileprivate var lastClient: Text?

    package init() {}

    package var isEmpty: Bool { writer.isEmpty }
    package var value: UnsafeRawBufferPointer { writer.bytes }

    /// `isSameClient` says that the release before this one was the same client's.
    package mutating func add(
        _ receipt: OutstandingReceipt,
        of client: UnsafeRawBufferPointer,
        isSameClient: Bool
    ) {
        if writer.isEmpty { writer.writeByte(SessionJournalRecord.formatVersion) }
        if isSameClient, count > 0, count < .max {
            count += 1
            writer.patchInteger(count, at: countPosition)
        } else {
            writer.writeShortField(client)
            countPosition = writer.count
            count = 1
            writer.writeInteger(count)
        }
        writer.write(receipt)
    }

    package mutating func removeAll() {
        writer.removeAll()
        count = 0
        lastClient = nil
    }
}

extension ByteWriter {
    fileprivate mutating func writeShortField(_ bytes: UnsafeRawBufferPointer) {
        writeInteger(UInt16(bytes.count))
        writeBytes(bytes)
    }

    fileprivate mutating func write(_ kind: Kind, _ client: Text) {
        writeByte(kind.rawValue)
        writeBytes(client.bytes)
    }

    fileprivate mutating func write(_ receipt: OutstandingReceipt) {
        writeInteger(receipt.packetIdentifier)
        writeInteger(receipt.receipt)
    }

    fileprivate mutating func write(_ session: KeptSession) {
        writeByte(session.version.rawValue)
        writeInteger(session.expiryInterval)
        writeInteger(session.expiresAt?.rawValue ?? -1)
        writeInteger(session.firstReceipt)
        writeInteger(UInt32(session.subscriptions.count))
        for subscription in session.subscriptions {
            subscription.filter.bytes.withUnsafeBytes { writeShortField($0) }
            writeByte(subscription.options.storedByte)
            writeInteger(subscription.identifier)
        }
    }

    fileprivate mutating func write(_ checkpoint: ReceiptCheckpoint) {
        writeInteger(checkpoint.number)
        writeInteger(checkpoint.lastReceipt)
        writeByte(checkpoint.hasAllSessions ? 1 : 0)
        writeInteger(UInt32(checkpoint.places.count))
        for place in checkpoint.places {
            writeInteger(place.topicID.high)
            writeInteger(place.topicID.low)
            writeInteger(place.partition)
            writeInteger(place.offset.rawValue)
            writeInteger(place.firstReceipt)
        }
    }
}

// Reading.
extension SessionJournalRecord {
    /// Nil for bytes that this version does not understand.
    package init?(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?) {
        var key = ByteReader(key)
        guard let kind = key.readByte().flatMap(Kind.init) else { return nil }
        guard let value else {
            guard kind == .session else { return nil }
            self = .sessionEnded(Text(key.rest))
            return
        }
        var reader = ByteReader(value)
        guard reader.readByte() == Self.formatVersion,
            let record = Self.read(kind, key: &key, value: &reader), reader.isAtEnd
        else { return nil }
        self = record
    }

    private static func read(
        _ kind: Kind,
        key: inout ByteReader,
        value: inout ByteReader
    ) -> SessionJournalRecord? {
        switch kind {
        case .session: value.readSession(of: Text(key.rest)).map { .session($0) }
        case .releases: value.readReleases().map { .releases($0) }
        case .place: value.readPlace(key: &key).map { .place($0) }
        case .outstanding: value.readOutstanding(of: Text(key.rest))
        case .checkpoint: value.readCheckpoint().map { .checkpoint($0) }
        }
    }
}

extension ByteReader {
    fileprivate mutating func readReceipt() -> OutstandingReceipt? {
        guard let identifier = readInteger(UInt16.self), let receipt = readInteger(UInt64.self)
        else { return nil }
        return OutstandingReceipt(packetIdentifier: identifier, receipt: receipt)
    }

    /// A count of things that take at least `size` bytes each; nil when they can't all be there.
    private mutating func readCount(size: Int) -> Int? {
        guard let count = readInteger(UInt32.self), Int(count) <= remaining / size else {
            return nil
        }
        return Int(count)
    }

    private mutating func readShortField() -> UnsafeRawBufferPointer? {
        guard let length = readInteger(UInt16.self) else { return nil }
        return readBytes(Int(length))
    }

    fileprivate mutating func readSession(of client: Text) -> KeptSession? {
        guard let version = readByte().flatMap(ProtocolVersion.init),
            let expiryInterval = readInteger(UInt32.self),
            let expiresAt = readInteger(Int64.self),
            let firstReceipt = readInteger(UInt64.self),
            let count = readCount(size: 7)
        else { return nil }
        var session = KeptSession(
            clientIdentifier: client,
            version: version,
            expiryInterval: expiryInterval,
            expiresAt: expiresAt < 0 ? nil : Timestamp(rawValue: expiresAt),
            firstReceipt: firstReceipt
        )
        for _ in 0..<count {
            guard let filter = readShortField(),
                let options = readByte().flatMap(SubscriptionOptions.init(storedByte:)),
                let identifier = readInteger(UInt32.self)
            else { return nil }
            session.subscriptions.append(
                KeptSubscription(filter: Text(filter), options: options, identifier: identifier)
            )
        }
        return session
    }

    fileprivate mutating func readReleases() -> [ReceiptRelease]? {
        var releases: [ReceiptRelease] = []
        while !isAtEnd {
            guard let client = readShortField().map(Text.init),
                let count = readInteger(UInt16.self)
            else { return nil }
            for _ in 0..<count {
                guard let receipt = readReceipt() else { return nil }
                releases.append(ReceiptRelease(client: client, receipt: receipt))
            }
        }
        return releases
    }

    fileprivate mutating func readPlace(key: inout ByteReader) -> ReceiptPlace? {
        guard let high = key.readInteger(UInt64.self), let low = key.readInteger(UInt64.self),
            let partition = key.readInteger(Int32.self),
            let offset = readInteger(Int64.self), offset >= 0,
            let firstReceipt = readInteger(UInt64.self)
        else { return nil }
        return ReceiptPlace(
            topicID: UUIDBytes(high: high, low: low),
            partition: partition,
            offset: Offset(offset),
            firstReceipt: firstReceipt
        )
    }

    fileprivate mutating func readOutstanding(of client: Text) -> SessionJournalRecord? {
        guard let checkpoint = readInteger(UInt64.self), let count = readCount(size: 10) else {
            return nil
        }
        var receipts: [OutstandingReceipt] = []
        receipts.reserveCapacity(count)
        for _ in 0..<count {
            guard let receipt = readReceipt() else { return nil }
            receipts.append(receipt)
        }
        return .outstanding(checkpoint: checkpoint, client: client, receipts)
    }

    fileprivate mutating func readCheckpoint() -> ReceiptCheckpoint? {
        guard let number = readInteger(UInt64.self), let lastReceipt = readInteger(UInt64.self),
            let flag = readByte(), flag <= 1, let count = readCount(size: 36)
        else { return nil }
        var checkpoint = ReceiptCheckpoint(
            number: number,
            lastReceipt: lastReceipt,
            hasAllSessions: flag == 1,
            places: []
        )
        for _ in 0..<count {
            guard var key = readBytes(20).map(ByteReader.init), let place = readPlace(key: &key)
            else { return nil }
            checkpoint.places.append(place)
        }
        return checkpoint
    }
}
