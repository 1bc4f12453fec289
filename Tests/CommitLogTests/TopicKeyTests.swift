import BrokerModel
import CommitLog
import HeadwaterTesting
import RecordFormat
import Testing

/// Kafka's topic keys: that each does what it says, and that none is taken in silence.
@Suite struct TopicKeyTests {
    /// Every key of a topic in Kafka 4.3, and those of ours.
    private static let names: Set<String> = [
        "cleanup.policy", "compression.type", "delete.retention.ms", "durability",
        "file.delete.delay.ms", "flush.messages", "flush.ms",
        "follower.replication.throttled.replicas", "index.interval.bytes",
        "leader.replication.throttled.replicas", "local.retention.bytes", "local.retention.ms",
        "max.message.bytes", "message.timestamp.after.max.ms", "message.timestamp.before.max.ms",
        "message.timestamp.type", "min.insync.replicas", "preallocate",
        "remote.log.copy.disable", "remote.log.delete.on.disable", "remote.storage.enable",
        "retention.bytes", "retention.ms", "segment.bytes", "segment.index.bytes",
        "segment.jitter.ms", "segment.ms", "unclean.leader.election.enable",
    ]

    @Test func `every key of Kafka's is here`() {
        #expect(Self.names.isSubset(of: Set(TopicSettings.keys.map(\.name))))
        #expect(Set(TopicSettings.keys.map(\.name)).count == TopicSettings.keys.count)
    }

    /// What Kafka 4.3 says of a topic that nobody has told anything: clients repeat it.
    @Test(arguments: [
        ("cleanup.policy", "delete"), ("compression.type", "producer"),
        ("file.delete.delay.ms", "60000"), ("flush.messages", "9223372036854775807"),
        ("flush.ms", "9223372036854775807"), ("follower.replication.throttled.replicas", ""),
        ("index.interval.bytes", "4096"), ("leader.replication.throttled.replicas", ""),
        ("local.retention.bytes", "-2"), ("local.retention.ms", "-2"),
        ("max.message.bytes", "1048588"), ("message.timestamp.after.max.ms", "3600000"),
        ("message.timestamp.before.max.ms", "9223372036854775807"),
        ("message.timestamp.type", "CreateTime"), ("min.insync.replicas", "1"),
        ("preallocate", "false"), ("remote.log.copy.disable", "false"),
        ("remote.log.delete.on.disable", "false"), ("remote.storage.enable", "false"),
        ("retention.bytes", "-1"), ("retention.ms", "604800000"), ("segment.bytes", "1073741824"),
        ("segment.bytes", "2147483647"), ("segment.index.bytes", "10485760"),
        ("segment.jitter.ms", "0"), ("segment.ms", "604800000"),
        ("unclean.leader.election.enable", "false"), ("retention.ms", "9223372036854775807"),
        ("segment.ms", "9223372036854775807"), ("preallocate", "TRUE"),
    ])
    func `a default of Kafka's is taken`(key: String, value: String) throws {
        _ = try TopicSettings().applying([key: value])
    }

    @Test(arguments: [
        ("min.insync.replicas", "2"), ("unclean.leader.election.enable", "true"),
        ("leader.replication.throttled.replicas", "*"),
        ("follower.replication.throttled.replicas", "0:1"), ("remote.storage.enable", "true"),
        ("remote.log.copy.disable", "true"), ("remote.log.delete.on.disable", "true"),
        ("local.retention.ms", "1000"), ("local.retention.bytes", "1000"),
        ("preallocate", "yes"), ("flush.messages", "0"), ("flush.ms", "-1"),
        ("segment.jitter.ms", "-1"), ("segment.index.bytes", "3"), ("segment.bytes", "65535"),
        ("index.interval.bytes", "-1"),
    ])
    func `what means nothing here is refused with the reason`(key: String, value: String) {
        let error = #expect(throws: TopicSettingsError.self) {
            try TopicSettings().applying([key: value])
        }
        #expect(error?.key == key && error?.allowed?.isEmpty == false)
    }

    @Test(arguments: ["message.downconversion.enable", "message.format.version"])
    func `a key that Kafka has given up is unknown`(key: String) {
        let error = #expect(throws: TopicSettingsError.self) {
            try TopicSettings().applying([key: "true"])
        }
        #expect(error?.allowed == nil)
    }

    // MARK: What they do

    /// How many segments a log has after batches of one record, `step` milliseconds apart.
    private func segments(
        of batches: Int,
        every step: Int64 = 0,
        _ change: (inout LogSettings) -> Void
    ) throws -> Int {
        var fixture = try LogFixture()
        change(&fixture.settings)
        let log = try fixture.open().log
        for index in 0..<Int64(batches) {
            let now = Timestamp(milliseconds: LogFixture.start.rawValue + step * index)
            try LogFixture.append(to: log, time: step * index, now: now)
        }
        return try fixture.fileSystem.list(LogFixture.folder).count { $0.name.hasSuffix(".log") }
    }

    @Test func `segment.index.bytes seals a segment whose index is full`() throws {
        #expect(try segments(of: 40) { $0.indexInterval = .zero } == 1)
        let count = try segments(of: 40) {
            $0.indexInterval = .zero
            $0.indexBytes = ByteCount(96)
        }
        #expect(count >= 4, "eight places for times, and one batch without an entry")
    }

    @Test func `index.interval.bytes says how many entries an index gets`() throws {
        func size(_ interval: Int) throws -> Int {
            let fixture = try LogFixture(indexInterval: interval)
            let log = try fixture.open().log
            try LogFixture.fill(log, batches: 40)
            try log.close()
            let index = LogFixture.path("00000000000000000000.index")
            return try #require(fixture.fileSystem.contents(index)).count
        }
        #expect(try size(0) == 39 * 8)
        #expect(try size(1 << 20) == 0)
    }

    @Test func `segment.ms seals by time, and segment.jitter.ms some of them sooner`() throws {
        #expect(try segments(of: 40, every: 100) { $0.segmentAge = .milliseconds(1_000) } == 4)
        let jittered = try segments(of: 40, every: 100) {
            $0.segmentAge = .milliseconds(1_000)
            $0.segmentJitter = .milliseconds(900)
        }
        #expect(jittered > 4 && jittered < 40)
        let all = try segments(of: 40, every: 100) { $0.segmentJitter = .days(365) }
        #expect(all < 40, "a jitter beyond the age counts as the age")
    }

    @Test func `preallocate asks for room for a segment and gives back the rest`() throws {
        var fixture = try LogFixture(segmentBytes: 1_000)
        fixture.settings.isPreallocated = true
        let log = try fixture.open().log
        let first = LogFixture.path("00000000000000000000.log")
        #expect(fixture.fileSystem.preallocated(first) == ByteCount(1_000))
        try LogFixture.fill(log, batches: 20)
        #expect(fixture.fileSystem.preallocated(first) == .zero)
        let last = try fixture.fileSystem.list(LogFixture.folder).map(\.name)
            .filter { $0.hasSuffix(".log") }.max()
        let path = LogFixture.path(try #require(last))
        #expect(fixture.fileSystem.preallocated(path) == ByteCount(1_000))
        try log.close()
        #expect(fixture.fileSystem.preallocated(path) == .zero)
    }
}
