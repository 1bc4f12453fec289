import BrokerModel

/// P1: a record that was acknowledged and that retention has to keep is readable, with the same
/// content at the same offset.
enum AcknowledgedRecords {
    static func check(
        _ history: PartitionHistory,
        stored: UnsafeRawBufferPointer,
        highWatermark: Offset
    ) throws(Violation) {
        guard highWatermark >= history.acknowledged else {
            throw Violation(
                promise: .p1,
                what: "acknowledged up to \(history.acknowledged.rawValue), but the log ends at "
                    + "\(highWatermark.rawValue)"
            )
        }
        guard history.acknowledged <= history.nextOffset,
            history.agrees(with: stored, upTo: history.bytes(below: history.acknowledged))
        else {
            throw Violation(
                promise: .p1,
                what: "a record below \(history.acknowledged.rawValue) has another content"
            )
        }
    }
}
