import BrokerModel
import CommitLog
import HeadwaterTesting
import Partitions
import Testing

/// Topics that change while records lie in them, and over restarts.
@Suite struct TopicAlterationTests {
    private static let id = UUIDBytes(high: 1, low: 2)
    private static let identity = PartitionStoreIdentity(
        nodeID: 1,
        clusterID: .zero,
        directoryID: .zero
    )
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)

    private func open(_ fileSystem: SimulatedFileSystem) throws -> PartitionStore {
        try PartitionStore.open(
            path: "/data",
            fileSystem: fileSystem,
            newIdentity: { Self.identity }
        )
    }

    private func topic(_ name: String) throws -> TopicName { try #require(TopicName(name)) }

    /// Returns where the batch begins.
    @discardableResult
    private func append(to partition: PartitionHandle, of store: PartitionStore) throws -> Offset {
        var batch = ByteWriter()
        BatchPool.shared.batch(0, of: 0).bytes.withUnsafeBytes { batch.writeBytes($0) }
        return try store.append(batch.mutableBytes, to: partition, now: Self.now).baseOffset
    }

    @Test func `what was changed, removed and added outlives a restart`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        let name = try topic("a")
        let told = ["retention.ms": "1000", "segment.ms": "5"]
        try store.createTopic(name, id: Self.id, partitions: 1, overrides: told)
        try store.alterTopic(name, changes: ["segment.ms": nil, "retention.bytes": "7"])
        try store.addPartitions(to: name, total: 3)
        try store.close()
        let entry = try #require(TopicCatalogSnapshot(of: try open(fileSystem)).topics.first)
        #expect(entry.overrides == ["retention.ms": "1000", "retention.bytes": "7"])
        #expect(entry.settings.retentionBytes == ByteCount(7))
        #expect(entry.handles.count == 3)
    }

    @Test func `a change that changes nothing writes nothing`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        let name = try topic("a")
        try store.createTopic(name, id: Self.id, partitions: 1, overrides: ["segment.ms": "5"])
        let written = fileSystem.counters.bytesWritten.count
        try store.alterTopic(name, changes: ["segment.ms": "5", "retention.ms": nil])
        #expect(fileSystem.counters.bytesWritten.count == written)
    }

    @Test func `a topic becomes durable with all that it has shown`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        let name = try topic("a")
        let told = ["durability": "written"]
        let entry = try store.createTopic(name, id: Self.id, partitions: 1, overrides: told)
        try append(to: entry.handles[0], of: store)
        _ = store.commit()
        let shown = try #require(entry.reader(0)).highWatermark
        #expect(!store.isDurable(entry.handles[0]) && shown > .zero)
        try store.alterTopic(name, changes: ["durability": nil])
        #expect(store.isDurable(entry.handles[0]))
        for seed in 0..<20 as Range<UInt64> {
            let reopened = try open(fileSystem.survivors(seed: seed))
            let found = try #require(TopicCatalogSnapshot(of: reopened).topics.first)
            #expect(found.reader(0)?.highWatermark == shown, "seed \(seed): nothing is skipped")
            #expect(reopened.isDurable(found.handles[0]))
        }
    }

    @Test func `a topic that stops being durable keeps what it acknowledged`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        let name = try topic("a")
        let entry = try store.createTopic(name, id: Self.id, partitions: 1)
        try append(to: entry.handles[0], of: store)
        _ = store.commit()
        let acknowledged = try #require(entry.reader(0)).highWatermark
        try store.alterTopic(name, changes: ["durability": "memory"])
        try append(to: entry.handles[0], of: store)
        _ = store.showWritten()
        let shown = try #require(entry.reader(0)).highWatermark
        #expect(shown > acknowledged)
        for seed in 0..<20 as Range<UInt64> {
            let reopened = try open(fileSystem.survivors(seed: seed))
            let found = try #require(TopicCatalogSnapshot(of: reopened).topics.first)
            let end = try #require(found.reader(0)).highWatermark
            #expect(end >= shown, "seed \(seed): no offset is given twice")
        }
    }

    @Test func `records are deleted up to an offset, or all that can be read`() throws {
        let store = try open(SimulatedFileSystem())
        let name = try topic("a")
        let handle = try store.createTopic(name, id: Self.id, partitions: 1).handles[0]
        try append(to: handle, of: store)
        _ = store.commit()
        let moment = StorageMoment.unknown.monotonic
        let end = try append(to: handle, of: store)
        func deleting(_ offset: Int64) throws -> Offset {
            try store.deleteRecords(of: handle, before: Offset(offset), now: moment)
        }
        #expect(try deleting(1) == Offset(1))
        #expect(try deleting(0) == Offset(1), "it does not go back")
        #expect(throws: RecordDeletionError.self) { try deleting(end.rawValue + 1) }
        #expect(throws: RecordDeletionError.self) { try deleting(-2) }
        #expect(try deleting(-1) == end, "what is not synced yet stays")
        try store.deleteTopic(name)
        #expect(throws: RecordDeletionError.self) { try deleting(-1) }
    }

    @Test func `records of the broker's own topics stay`() throws {
        let store = try open(SimulatedFileSystem())
        let name = try topic("__own")
        let handle = try store.createTopic(name, id: Self.id, partitions: 1).handles[0]
        #expect(throws: RecordDeletionError.self) {
            try store.deleteRecords(
                of: handle,
                before: .zero,
                now: StorageMoment.unknown.monotonic
            )
        }
    }

    @Test func `folders of partitions that no record speaks of go at the next start`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        let name = try topic("a")
        try store.createTopic(name, id: Self.id, partitions: 1)
        var faults = SimulatedFaults()
        faults.fail(.sync, pathSuffix: "__cluster_metadata-0/00000000000000000000.log", reason: .io)
        fileSystem.setFaults(faults)
        #expect(throws: TopicError.self) { try store.addPartitions(to: name, total: 2) }
        let reopened = try open(fileSystem.survivors(seed: 1))
        #expect(reopened.offline.isEmpty)
        let entry = try #require(TopicCatalogSnapshot(of: reopened).topics.first)
        #expect(entry.handles.count == 1)
        try reopened.addPartitions(to: name, total: 2)
    }
}
