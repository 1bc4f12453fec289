import ArgumentParser

/// How a recording writes its times. Pure: text in, nanoseconds since 1970 out.
package enum ReplayTimeFormat: Equatable {
    /// RFC 3339, with a zone.
    case rfc3339
    /// The same without one, in UTC; a space may stand for the T.
    case datetime
    /// Since 1970, so many units a second.
    case epoch(unitsPerSecond: Int64)

    enum Choice: String, ExpressibleByArgument, CaseIterable {
        case auto, rfc3339, datetime, s, ms, us, ns

        /// Nil for `auto`.
        var format: ReplayTimeFormat? {
            switch self {
            case .auto: nil
            case .rfc3339: .rfc3339
            case .datetime: .datetime
            case .s: .epoch(unitsPerSecond: 1)
            case .ms: .epoch(unitsPerSecond: 1_000)
            case .us: .epoch(unitsPerSecond: 1_000_000)
            case .ns: .epoch(unitsPerSecond: 1_000_000_000)
            }
        }
    }

    /// The format that a first time shows; nil when it is in none of ours. A number's size tells
    /// its unit: as seconds it lies before the year 5138, as milliseconds after 1973, and so on.
    package static func guess(_ text: String) -> ReplayTimeFormat? {
        if rfc3339.nanoseconds(text) != nil { return .rfc3339 }
        if datetime.nanoseconds(text) != nil { return .datetime }
        guard let number = Double(text), number.isFinite else { return nil }
        switch abs(number) {
        case ..<1e11: return .epoch(unitsPerSecond: 1)
        case ..<1e14: return .epoch(unitsPerSecond: 1_000)
        case ..<1e17: return .epoch(unitsPerSecond: 1_000_000)
        default: return .epoch(unitsPerSecond: 1_000_000_000)
        }
    }

    /// Nil when the text is no time in this format, or none that 64 bits of nanoseconds hold (1678
    /// to 2262).
    package func nanoseconds(_ text: String) -> Int64? {
        switch self {
        case .rfc3339: CalendarText(text, needsZone: true)?.nanoseconds
        case .datetime: CalendarText(text, needsZone: false)?.nanoseconds
        case .epoch(let units): Self.nanoseconds(text, units: units)
        }
    }

    private static func nanoseconds(_ text: String, units: Int64) -> Int64? {
        let scale = 1_000_000_000 / units
        if let whole = Int64(text) {
            let (product, overflow) = whole.multipliedReportingOverflow(by: scale)
            return overflow ? nil : product
        }
        guard let number = Double(text) else { return nil }
        return Int64(exactly: (number * Double(scale)).rounded())
    }
}

/// `2026-11-21T04:58:49.123+01:00`, or the same with a space, and without fraction or zone.
private struct CalendarText {
    let nanoseconds: Int64

    init?(_ text: String, needsZone: Bool) {
        var digits = Digits(Array(text.utf8))
        guard let year = digits.take(4), digits.skip("-"), let month = digits.take(2),
            digits.skip("-"), let day = digits.take(2),
            digits.skip("T") || digits.skip("t") || digits.skip(" "),
            let hour = digits.take(2), digits.skip(":"), let minute = digits.take(2),
            digits.skip(":"), let second = digits.take(2)
        else { return nil }
        guard (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year), hour < 24,
            minute < 60, second <= 60  // A leap second is the next minute's first.
        else { return nil }
        let fraction = digits.skip(".") ? digits.takeFraction() : 0
        guard let fraction, let offset = digits.takeZone(isNeeded: needsZone), digits.isAtEnd
        else { return nil }
        let seconds =
            Self.days(toYear: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60
            + second - offset
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = whole.addingReportingOverflow(fraction)
        guard !overflow, !carry else { return nil }
        nanoseconds = sum
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970 to a day of the Gregorian calendar, counting years from March on, so that the
    /// leap day is the last of its year.
    private static func days(toYear year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return 365 * year + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
    }
}

/// A cursor over digits and what stands between them.
private struct Digits {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    private var digit: Int64? {
        guard position < bytes.count, (0x30...0x39).contains(bytes[position]) else { return nil }
        return Int64(bytes[position] - 0x30)
    }

    mutating func take(_ count: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<count {
            guard let digit else { return nil }
            value = value * 10 + digit
            position += 1
        }
        return value
    }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else {
            return false
        }
        position += 1
        return true
    }

    /// Nanoseconds; digits past the ninth say nothing to us.
    mutating func takeFraction() -> Int64? {
        var value: Int64 = 0
        var scale: Int64 = 1_000_000_000
        guard digit != nil else { return nil }
        while let digit {
            scale /= 10
            value += digit * scale
            position += 1
        }
        return value
    }

    /// Seconds east of Greenwich. Nil when it is wrong, or missing and needed.
    mutating func takeZone(isNeeded: Bool) -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let isEast = skip("+")
        guard isEast || skip("-") else { return isNeeded ? nil : 0 }
        guard let hours = take(2), hours < 24, skip(":"), let minutes = take(2), minutes < 60 else {
            return nil
        }
        return (isEast ? 1 : -1) * (hours * 3_600 + minutes * 60)
    }
}
