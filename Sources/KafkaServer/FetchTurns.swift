import BrokerModel

/// Bounds what one iteration of the loop reads for all fetches together. Whoever comes past the
/// bound has the next turn: a crowd of large fetches never keeps the loop from anything else for
/// longer than one turn's reading, and each of the crowd is served in the order in which it came.
/// Whoever has little to read, as those at the log's end, need not queue behind the crowd.
struct FetchTurns {
    private var turn = MonotonicTime(nanoseconds: .min)
    private var bytesRead = 0
    private var waiting: [UInt64] = []
    /// Whose turn it is in this iteration.
    private var called: [UInt64] = []

    var count: Int { waiting.count }

    /// Whether this connection's fetch may read now; otherwise it is called later. The second
    /// value asks the caller to call the next ones in the next iteration. `isLight` says that the
    /// last answer was small, which is what the next one most likely is.
    mutating func mayRead(
        _ connection: UInt64,
        isLight: Bool,
        now: MonotonicTime
    ) -> (now: Bool, mustSchedule: Bool) {
        begin(now)
        if isLight, bytesRead < 4 * KafkaServerLimits.fetchBytesPerTurnMax { return (true, false) }
        let isCalled = called.contains(connection)
        let hasRoom = bytesRead < KafkaServerLimits.fetchBytesPerTurnMax
        if hasRoom, isCalled || waiting.isEmpty { return (true, false) }
        let mustSchedule = waiting.isEmpty
        if isCalled {
            // It keeps its place in front of all who came after it.
            let ahead = waiting.prefix { called.contains($0) }.count
            waiting.insert(connection, at: ahead)
        } else if !waiting.contains(connection) {
            waiting.append(connection)
        }
        return (false, mustSchedule)
    }

    mutating func hasRead(_ bytes: Int) { bytesRead &+= bytes }

    /// The next ones in the queue; whoever finds no room again goes back to its front.
    mutating func callNext(now: MonotonicTime) -> [UInt64] {
        begin(now)
        called = Array(waiting.prefix(KafkaServerLimits.fetchesCalledPerTurn))
        waiting.removeFirst(called.count)
        return called
    }

    mutating func remove(_ connection: UInt64) {
        guard !waiting.isEmpty else { return }
        waiting.removeAll { $0 == connection }
    }

    private mutating func begin(_ now: MonotonicTime) {
        guard now != turn else { return }
        turn = now
        bytesRead = 0
        called = []
    }
}
