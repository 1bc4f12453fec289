import BrokerModel
import MQTTWire

/// What a session gets at QoS 1: what it was sent and has not acknowledged, and the bounded queue
/// behind that. It outlives connections as its session does, and keeps one order throughout (4.6).
///
/// Every message has a number that counts up, and a packet identifier that follows from it. Those
/// numbers run `first <= next <= end`: sent on this connection, then to be sent. A message that is
/// done with leaves a gap until all before it are done with too.
public final class Deliveries {
    /// What `send` did.
    public struct Outcome: Equatable, Sendable {
        public var sent = 0
        /// Of those, how many had been sent on an earlier connection.
        public var repeated = 0
        /// Their life was over before they could be sent (3.3.2.3.3).
        public var expired = 0
        /// Larger than the client takes (3.1.2.11.4).
        public var tooLarge = 0
        /// The rest waits for room in the output.
        public var lacksRoom = false
        /// For `takeBack`; nil when nothing was tried.
        fileprivate var earlier: Cursor?

        public init() {}
    }

    fileprivate struct Cursor: Equatable, Sendable {
        var next: UInt64 = 0
        var sentEnd: UInt64 = 0
        var unacknowledged = 0
    }

    /// What the connection of now can take.
    struct Wire {
        var version = ProtocolVersion.v311
        var packetBytesMax = Int.max
        /// The output's room; a packet that is alone in it may be larger.
        var room = 0
        var isAlone = false
    }

    private struct Entry {
        /// Nil once it is acknowledged or given up.
        var message: StoredMessage?
        var identifiers: SubscriptionIdentifiers
    }

    /// Packet identifiers are 1 to 65535; those in flight must differ.
    private static let identifiers: UInt64 = 65_535

    let messages: MessageStore
    private let limits: SessionLimits
    /// A ring whose size is a power of two; a number's place is its remainder.
    private var entries: [Entry] = []
    private var first: UInt64 = 0
    private var end: UInt64 = 0
    private var cursor = Cursor()
    /// Unacknowledged messages that the client takes at once (3.3.4), or we grant.
    private var window = 0
    /// What the kept messages weigh, each as if nobody shared it.
    private var bytes = 0
    /// Messages that were not queued because there was no room, since `takeDropped`.
    private var dropped = 0

    init(messages: MessageStore, limits: SessionLimits) {
        self.messages = messages
        self.limits = limits
    }

    deinit { removeAll() }

    /// Messages kept, sent or not.
    public private(set) var count = 0
    public var unacknowledgedCount: Int { cursor.unacknowledged }

    /// Whether `send` has something to do, room in the output provided.
    public var isSendable: Bool {
        cursor.next < end && cursor.unacknowledged < window
            && cursor.next &- first < Self.identifiers
    }

    /// Queues a message. False when the queue is full: the message is dropped, and counted.
    func append(_ message: StoredMessage, _ identifiers: SubscriptionIdentifiers) -> Bool {
        let size = Int(message.head.pointee.capacity)
        guard end &- cursor.next < UInt64(limits.deliveryQueueMax),
            bytes == 0 || bytes &+ size <= min(limits.deliveryBytesMax, messages.room),
            end &- first < UInt64(entries.count) || grow()
        else {
            dropped &+= 1
            return false
        }
        messages.retain(message)
        entries[index(end)] = Entry(message: message, identifiers: identifiers)
        end &+= 1
        count &+= 1
        bytes &+= size
        return true
    }

    /// Notes that a message could not even be stored.
    func noteDropped() { dropped &+= 1 }

    /// How many messages were dropped since the last call.
    public func takeDropped() -> Int {
        defer { dropped = 0 }
        return dropped
    }

    /// A new connection: what was sent and not acknowledged is sent again, with DUP, in its order
    /// and under its packet identifiers (4.4).
    func begin(receiveMaximum: UInt32) {
        window = min(Int(receiveMaximum), Int(limits.deliveriesInFlightMax))
        cursor.next = first
        cursor.unacknowledged = 0
    }

    /// Sends what the window and the output have room for.
    func send(_ wire: Wire, now: MonotonicTime, output: inout ByteWriter) -> Outcome {
        var outcome = Outcome()
        outcome.earlier = cursor
        var wire = wire
        while isSendable {
            let place = index(cursor.next)
            guard let message = entries[place].message else {
                cursor.next &+= 1
                continue
            }
            let isRepeat = cursor.next < cursor.sentEnd
            // What the client may have already it is told again, however old it is.
            guard isRepeat || !message.isExpired(at: now) else {
                outcome.expired += 1
                giveUp(cursor.next)
                continue
            }
            var packet = message.delivery(at: now)
            packet.identifiers = entries[place].identifiers
            packet.packetIdentifier = packetIdentifier(cursor.next)
            packet.isDuplicate = isRepeat
            let size = packet.encodedSize(version: wire.version)
            guard size <= wire.packetBytesMax else {
                outcome.tooLarge += 1
                giveUp(cursor.next)
                continue
            }
            guard size <= wire.room || wire.isAlone else {
                outcome.lacksRoom = true
                break
            }
            packet.write(to: &output, version: wire.version)
            wire.room -= size
            wire.isAlone = false
            outcome.sent += 1
            if isRepeat { outcome.repeated += 1 }
            cursor.unacknowledged += 1
            cursor.next &+= 1
            cursor.sentEnd = max(cursor.sentEnd, cursor.next)
        }
        dropFinished()
        return outcome
    }

    /// The output was refused after all: what `send` wrote has not been sent.
    func takeBack(_ outcome: Outcome) {
        guard let earlier = outcome.earlier else { return }
        cursor = earlier
        cursor.next = max(cursor.next, first)
    }

    /// A PUBACK, whatever its code says: a refused message is not sent again either (4.3.2). False
    /// when nothing of that identifier is in flight.
    func acknowledge(_ packetIdentifier: UInt16) -> Bool {
        guard packetIdentifier > 0 else { return false }
        let wanted = UInt64(packetIdentifier) &- 1
        let number =
            first &+ (wanted &+ Self.identifiers &- first % Self.identifiers) % Self.identifiers
        guard number < cursor.sentEnd, entries[index(number)].message != nil else { return false }
        // One may come for a message of the last connection that is not sent again yet.
        if number < cursor.next { cursor.unacknowledged &-= 1 }
        forget(number)
        dropFinished()
        return true
    }

    /// The client is gone: an empty queue needs no memory.
    func rest() {
        if count == 0 { removeAll() }
    }

    /// Forgets all: the session is over.
    func removeAll() {
        for number in first..<end { forget(number) }
        first = end
        messages.unreserve(entries.count &* MemoryLayout<Entry>.stride)
        entries = []
        cursor = Cursor(next: end, sentEnd: end, unacknowledged: 0)
    }

    private func giveUp(_ number: UInt64) {
        forget(number)
        cursor.next &+= 1
        cursor.sentEnd = max(cursor.sentEnd, cursor.next)
    }

    private func forget(_ number: UInt64) {
        let place = index(number)
        guard let message = entries[place].message else { return }
        entries[place] = Entry(message: nil, identifiers: SubscriptionIdentifiers())
        count &-= 1
        bytes &-= Int(message.head.pointee.capacity)
        messages.release(message)
    }

    private func dropFinished() {
        while first < cursor.next, entries[index(first)].message == nil { first &+= 1 }
    }

    private func packetIdentifier(_ number: UInt64) -> UInt16 {
        UInt16(truncatingIfNeeded: number % Self.identifiers) &+ 1
    }

    private func index(_ number: UInt64) -> Int {
        Int(truncatingIfNeeded: number) & (entries.count &- 1)
    }

    /// False when there is no memory for it.
    private func grow() -> Bool {
        let size = max(8, entries.count * 2)
        guard messages.reserve((size - entries.count) * MemoryLayout<Entry>.stride) else {
            return false
        }
        let blank = Entry(message: nil, identifiers: SubscriptionIdentifiers())
        var larger = [Entry](repeating: blank, count: size)
        for number in first..<end { larger[Int(number) & (size - 1)] = entries[index(number)] }
        entries = larger
        return true
    }
}
