import BrokerModel

/// What the facts mean: is the broker alive, does data move, and if not, what helps.
package struct HealthReport: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case starting, stopping, loop, disk, ingest, partition, space
    }

    package struct Reason: Sendable, Equatable {
        package let kind: Kind
        /// A sentence for an operator.
        package let what: String
        package let remedy: String
    }

    package let phase: HealthFacts.Phase
    package let reasons: [Reason]
    /// The threads turn: a restart would help nothing.
    package let isLive: Bool
    /// Data moves.
    package var isReady: Bool { reasons.isEmpty }

    /// Broken disks make many partitions fail at once; an answer names this many.
    private static let partitionsNamedMax = 10

    package init(_ facts: HealthFacts, bounds: HealthBounds) {
        phase = facts.phase
        let silent = facts.loops.filter { $0.silence >= bounds.loopSilenceMax }
        isLive = silent.allSatisfy(\.isAtDisk)
        reasons =
            Self.phase(facts) + silent.filter { !$0.isAtDisk }.map(Self.silent)
            + Self.disk(facts, bounds) + Self.ingest(facts, bounds) + Self.partitions(facts)
            + Self.space(facts, bounds)
    }

    /// The report in one line: `ready`, or every reason.
    package var line: String {
        isReady ? "ready" : "not ready: " + reasons.map(\.what).joined(separator: "; ")
    }

    private static func phase(_ facts: HealthFacts) -> [Reason] {
        switch facts.phase {
        case .serving: []
        case .starting:
            [
                Reason(
                    kind: .starting,
                    what: "the broker is starting",
                    remedy: "wait; after an unclean stop it first reads the newest segments"
                )
            ]
        case .stopping:
            [
                Reason(
                    kind: .stopping,
                    what: "the broker is stopping",
                    remedy: "start it again when its data is wanted"
                )
            ]
        }
    }

    private static func silent(_ loop: HealthFacts.Loop) -> Reason {
        Reason(
            kind: .loop,
            what: "the \(loop.name) thread has not answered for \(seconds(loop.silence))",
            remedy: "if it lasts, restart the broker and report it with the log: it is a fault of "
                + "the program or the machine is out of computing time"
        )
    }

    private static func disk(_ facts: HealthFacts, _ bounds: HealthBounds) -> [Reason] {
        guard let work = facts.diskWork, work >= bounds.diskWorkMax else { return [] }
        return [
            Reason(
                kind: .disk,
                what: "the disk of \(facts.dataFolder) has not finished a write or sync for "
                    + seconds(work),
                remedy: "look into the system's log for that disk's errors; nothing is "
                    + "acknowledged meanwhile, and it goes on by itself when the disk does"
            )
        ]
    }

    private static func ingest(_ facts: HealthFacts, _ bounds: HealthBounds) -> [Reason] {
        guard facts.ingestStall >= bounds.ingestStallMax else { return [] }
        return [
            Reason(
                kind: .ingest,
                what: "the memory for records that are not yet stored is full, and nothing was "
                    + "stored for \(seconds(facts.ingestStall))",
                remedy: "find out what holds up the disk; publishers wait meanwhile"
            )
        ]
    }

    private static func partitions(_ facts: HealthFacts) -> [Reason] {
        let named = facts.failedPartitions.prefix(partitionsNamedMax).map { name, reason in
            Reason(
                kind: .partition,
                what: "partition \(name) takes no records: \(reason)",
                remedy: "mend the cause, then restart the broker; what was acknowledged is safe"
            )
        }
        let others = facts.failedPartitions.count - named.count
        guard others > 0 else { return named }
        return named + [
            Reason(
                kind: .partition,
                what: "\(others) more partitions take no records",
                remedy: "the log names them"
            )
        ]
    }

    private static func space(_ facts: HealthFacts, _ bounds: HealthBounds) -> [Reason] {
        guard let available = facts.diskAvailable, available < bounds.diskAvailableMin else {
            return []
        }
        return [
            Reason(
                kind: .space,
                what: "the disk of \(facts.dataFolder) has only \(available.rawValue) bytes of "
                    + "room, less than health.disk.free.min "
                    + "(\(bounds.diskAvailableMin.configurationText))",
                remedy: "free some space, keep topics for a shorter time, or use a larger disk"
            )
        ]
    }

    private static func seconds(_ time: Duration) -> String {
        "\(time.nanoseconds / 1_000_000_000) s"
    }
}
