/// The receiver's half of one QoS 2 exchange: PUBLISH, PUBREC, PUBREL, PUBCOMP (4.3.3).
///
/// The message is stored when it comes, so the receipt is all that must be kept until its sender
/// has released it.
struct ExactlyOnceReceipt {
    enum Arrival: Equatable {
        /// A new message: store it.
        case append
        /// It is stored: PUBREC is due again.
        case acknowledge
        /// It is on its way to the disk, and one append is enough.
        case wait
        /// The sender has released this identifier and uses it again before our PUBCOMP.
        case refuse
    }

    enum Release: Equatable {
        /// Write down that this receipt is released; PUBCOMP is due once that is durable.
        case record(receipt: UInt64)
        /// PUBREC is still due, or the release is on its way to the disk.
        case wait
    }

    private enum Phase { case appending, awaitingRelease, releasing }

    let packetIdentifier: UInt16
    /// Whether a PUBLISH of the present connection brought or repeated it.
    private(set) var isOfThisConnection = true
    private var phase = Phase.appending
    /// The broker-wide number that the stored record carries.
    private(set) var receipt: UInt64 = 0

    init(_ packetIdentifier: UInt16) { self.packetIdentifier = packetIdentifier }

    /// A receipt that was found again after a restart.
    init(_ packetIdentifier: UInt16, stored receipt: UInt64) {
        self.packetIdentifier = packetIdentifier
        self.receipt = receipt
        phase = .awaitingRelease
        isOfThisConnection = false
    }

    var isOutstanding: Bool { phase == .awaitingRelease }

    mutating func publishReceived(isDuplicate: Bool) -> Arrival {
        switch phase {
        case .appending: return .wait
        case .awaitingRelease:
            // A sender that repeats what an earlier connection brought must set DUP (3.3.1.1). One
            // that does not has forgotten the exchange, and this is another message.
            let isAnother = !isOfThisConnection && !isDuplicate
            isOfThisConnection = true
            guard isAnother else { return .acknowledge }
            phase = .appending
            return .append
        case .releasing: return .refuse
        }
    }

    mutating func numbered(_ receipt: UInt64) { self.receipt = receipt }

    mutating func stored() {
        precondition(phase == .appending, "only our own append reports here")
        phase = .awaitingRelease
    }

    mutating func releaseReceived() -> Release {
        switch phase {
        case .appending, .releasing: return .wait
        case .awaitingRelease:
            phase = .releasing
            return .record(receipt: receipt)
        }
    }

    /// The release could not be written: it is as if PUBREL had not come.
    mutating func releaseFailed() {
        precondition(phase == .releasing, "only our own release reports here")
        phase = .awaitingRelease
    }

    /// Another connection has the session now.
    mutating func connectionChanged() { isOfThisConnection = false }
}
