/// Turns recorded times into times of now. Pure: its caller knows what time it is.
struct ReplayClock {
    /// What a column of times is called, in this order.
    private static let names = [
        "ts", "time", "timestamp", "@timestamp", "_time", "datetime", "date_time", "event_time",
        "eventtime", "time_ms", "ts_ms", "created_at", "recorded_at", "date", "t",
    ]

    private let format: ReplayTimeFormat
    private let first: Int64
    private let start: Int64
    private let factor: Double
    private var latest: Int64

    /// The column that looks like a time by its name, whatever its case.
    static func timeColumn(among columns: [String]) -> String? {
        for name in names {
            if let found = columns.first(where: { $0.lowercased() == name }) { return found }
        }
        return nil
    }

    /// Nil when the time can't be read, be it in this format or, without one, in any.
    init?(firstTime text: String, format: ReplayTimeFormat?, factor: Double, start: Int64) {
        guard let format = format ?? ReplayTimeFormat.guess(text),
            let first = format.nanoseconds(text)
        else { return nil }
        self.format = format
        self.first = first
        self.start = start
        self.factor = factor
        latest = first
    }

    /// When a row is due, and whether an earlier row had a later time: such a row is due at once,
    /// and waits for nobody. Nil when the text is no time.
    mutating func due(_ text: String) -> (time: Int64, isLate: Bool)? {
        guard let time = format.nanoseconds(text) else { return nil }
        let isLate = time < latest
        latest = max(latest, time)
        let passed = (Double(time) - Double(first)) / factor
        return (start + Int64(max(0, min(passed, 9e18 - Double(start)))), isLate)
    }
}
