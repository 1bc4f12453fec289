import BrokerModel

extension TopicSettings {
    /// The defaults of what `segmentKeys` tell one topic.
    static var brokerSegmentKeys: [ConfigurationKey<TopicSettings>] {
        let defaults = TopicSettings()
        return [
            .init(
                "log.roll.jitter.ms",
                \.jitterText,
                of: defaults,
                allowed: "0 ... 3650d, or milliseconds",
                "A segment is sealed up to this much before `log.roll.ms`, each at another time "
                    + "(a topic's `segment.jitter.ms`)."
            ) { $0.isWithin(.zero ... .days(3_650)) },
            .init(
                "log.index.size.max.bytes",
                \.log.indexBytes,
                of: defaults,
                in: ByteCount(4)...ByteCount(Int(Int32.max)),
                "A segment is sealed before one of its indexes would grow past this "
                    + "(a topic's `segment.index.bytes`)."
            ),
            .init(
                "log.preallocate",
                \.log.isPreallocated,
                of: defaults,
                allowed: "true | false",
                "Whether a new segment takes its whole place on the disk at once "
                    + "(a topic's `preallocate`)."
            ),
            .init(
                "log.flush.interval.messages",
                \.log.flushMessages,
                of: defaults,
                in: 1...Int.max,
                "After so many records a partition is synced, whether or not somebody waits for it "
                    + "(a topic's `flush.messages`)."
            ),
            .init(
                "log.flush.interval.ms",
                \.flushText,
                of: defaults,
                allowed: "a time, milliseconds, or -1",
                "A record is synced at the latest after this, whether or not somebody waits for "
                    + "it; -1 leaves that to `commit.interval` (a topic's `flush.ms`)."
            ),
        ]
    }

    private var jitterText: TimeLimit {
        get { TimeLimit(log.segmentJitter) }
        set { log.segmentJitter = newValue.duration ?? log.segmentJitter }
    }
    private var flushText: TimeLimit {
        get { TimeLimit(log.flushAge) }
        set { log.flushAge = newValue.duration }
    }
}
