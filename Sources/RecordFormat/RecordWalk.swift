import BrokerModel

/// Walks the records of one batch on a bare pointer, and stops at the first that is wrong.
///
/// The rules are those of `RecordCursor`, and two more: offsets without a gap, and the topic's own.
/// It makes no views of what it passes, which leaves some ten nanoseconds a record.
struct RecordWalk {
    private typealias Place = UnsafePointer<UInt8>

    private let records: UnsafeBufferPointer<UInt8>
    private let baseTimestamp: Int64
    private let timestamps: ClosedRange<Int64>
    private let needsKeys: Bool
    private var latest = Int64.min

    /// The largest time of the records seen.
    var maxTimestamp: Timestamp { Timestamp(rawValue: latest) }

    init(_ records: UnsafeRawBufferPointer, baseTimestamp: Timestamp, rules: ValidationRules) {
        self.records = records.assumingMemoryBound(to: UInt8.self)
        self.baseTimestamp = baseTimestamp.rawValue
        needsKeys = rules.needsKeys
        timestamps =
            switch rules.timestampType {
            case .createTime:
                rules.timestamps.lowerBound.rawValue...rules.timestamps.upperBound.rawValue
            case .logAppendTime: .min ... .max
            }
    }

    /// `count` records, and not a byte more.
    mutating func checkRecords(count: Int) throws(RecordFormatError) {
        guard var place = records.baseAddress else { throw .recordMalformed(index: 0) }
        let end = place + records.count
        for index in 0..<count {
            guard let length = Self.readVarint(&place, end), length > 0, length <= end - place
            else {
                throw .recordMalformed(index: index)
            }
            try checkRecord(&place, until: place + Int(length), index: index)
        }
        guard place == end else { throw .bytesAfterLastRecord(end - place) }
    }

    @inline(__always)
    private mutating func checkRecord(
        _ place: inout Place,
        until end: Place,
        index: Int
    ) throws(RecordFormatError) {
        place += 1  // Attributes, of which none is defined.
        guard let timeDelta = Self.readVarint(&place, end, bytesMax: 10),
            let offsetDelta = Self.readVarint(&place, end),
            let keyLength = Self.skipNullable(&place, end),
            Self.skipNullable(&place, end) != nil,
            let headerCount = Self.readVarint(&place, end)
        else { throw .recordMalformed(index: index) }
        if headerCount != 0 {
            guard Self.skipHeaders(headerCount, &place, end) else {
                throw .recordMalformed(index: index)
            }
        }
        guard place == end else { throw .recordMalformed(index: index) }
        guard offsetDelta == index else { throw .offsetDeltaOutOfOrder(index: index) }
        if keyLength < 0, needsKeys { throw .keyMissing(index: index) }
        let time = baseTimestamp &+ timeDelta
        latest = max(latest, time)
        guard timestamps.contains(time) || time == Timestamp.none.rawValue else {
            throw .timestampOutOfRange(index: index, Timestamp(rawValue: time))
        }
    }

    /// False when the bytes up to `end` do not begin with so many headers. Each takes two bytes or
    /// more, so that a wild count ends at once.
    private static func skipHeaders(_ count: Int64, _ place: inout Place, _ end: Place) -> Bool {
        guard count > 0, count <= (end - place) / 2 else { return false }
        for _ in 0..<count {
            guard let nameLength = skipNullable(&place, end), nameLength >= 0,
                skipNullable(&place, end) != nil
            else { return false }
        }
        return true
    }

    /// Passes a length and as many bytes. Gives the length, -1 for null; nil when it is wrong.
    @inline(__always)
    private static func skipNullable(_ place: inout Place, _ end: Place) -> Int64? {
        guard let length = readVarint(&place, end), length >= -1, length <= end - place else {
            return nil
        }
        place += Int(max(length, 0))
        return length
    }

    /// A zigzag varint; nil when it does not end before `end`, or not within `bytesMax`. Most take
    /// one byte or two.
    @inline(__always)
    private static func readVarint(
        _ place: inout Place,
        _ end: Place,
        bytesMax: Int = 5
    ) -> Int64? {
        guard end - place >= 2, place[0] & place[1] < 0x80 else {
            return readLongVarint(&place, end, bytesMax: bytesMax)
        }
        var bits = UInt64(place[0])
        if bits >= 0x80 {
            bits = bits & 0x7f | UInt64(place[1]) &<< 7
            place += 1
        }
        place += 1
        return Int64(bitPattern: bits &>> 1) ^ -Int64(bitPattern: bits & 1)
    }

    private static func readLongVarint(
        _ place: inout Place,
        _ end: Place,
        bytesMax: Int
    ) -> Int64? {
        let rest = UnsafeRawBufferPointer(start: place, count: end - place)
        var reader = ByteReader(rest)
        let value = bytesMax == 10 ? reader.readVarlong() : reader.readVarint().map { Int64($0) }
        place += reader.position
        return value
    }
}
