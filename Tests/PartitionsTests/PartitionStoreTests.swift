import BrokerModel
import CommitLog
import HeadwaterTesting
import Partitions
import Testing

@Suite struct PartitionStoreTests {
    private static let identity = PartitionStoreIdentity(
        nodeID: 1,
        clusterID: UUIDBytes(high: 1, low: 2),
        directoryID: UUIDBytes(high: 3, low: 4)
    )
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)

    private func open(
        _ fileSystem: SimulatedFileSystem,
        identity: PartitionStoreIdentity = identity
    ) throws(PartitionStoreError) -> PartitionStore {
        try PartitionStore.open(
            path: "/data",
            fileSystem: fileSystem,
            newIdentity: { identity }
        )
    }

    private func append(to partition: PartitionHandle, of store: PartitionStore) throws {
        var batch = ByteWriter()
        BatchPool.shared.batch(0, of: 0).bytes.withUnsafeBytes { batch.writeBytes($0) }
        try store.append(batch.mutableBytes, to: partition, now: Self.now)
    }

    private func topic(_ name: String) throws -> TopicName { try #require(TopicName(name)) }

    @Test func `a second instance on the same directory is told so`() throws {
        let fileSystem = SimulatedFileSystem()
        let first = try open(fileSystem)
        #expect(throws: PartitionStoreError.locked(path: "/data/.lock")) { try open(fileSystem) }
        try first.close()
        _ = try open(fileSystem)
    }

    @Test func `a directory keeps the identity of its first start`() throws {
        let fileSystem = SimulatedFileSystem()
        try open(fileSystem).close()
        let other = PartitionStoreIdentity(nodeID: 9, clusterID: .zero, directoryID: .zero)
        #expect(try open(fileSystem, identity: other).identity == Self.identity)
        let text = String(
            decoding: fileSystem.contents("/data/meta.properties") ?? [],
            as: UTF8.self
        )
        #expect(
            text == """
                #
                version=1
                node.id=1
                cluster.id=AAAAAAAAAAEAAAAAAAAAAg
                directory.id=AAAAAAAAAAMAAAAAAAAABA

                """
        )
    }

    @Test func `several threads recover what one would, in the same places`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        for name in ["a", "b", "c"] {
            try store.createTopic(try topic(name), id: .zero, partitions: 15)
        }
        for partition in store.partitions where partition.name.partition % 2 == 0 {
            let handle = try #require(store.handle(of: partition.name))
            try append(to: handle, of: store)
        }
        _ = store.commit()
        func recovered(threads: Int) throws -> [String] {
            let store = try PartitionStore.open(
                path: "/data",
                fileSystem: fileSystem.survivors(seed: 1),
                recoveryThreads: threads,
                newIdentity: { Self.identity }
            )
            #expect(store.offline.isEmpty)
            return store.partitions.map { partition in
                let reader = partition.log.reader
                return "\(partition.name) \(partition.log.logEndOffset) \(reader.leaderEpoch) "
                    + "\(store.handle(of: partition.name)?.rawValue ?? -1)"
            }
        }
        let one = try recovered(threads: 1)
        #expect(one.count >= 45)
        for threads in [2, 8, 64] { #expect(try recovered(threads: threads) == one) }
    }

    @Test func `a damaged identity names its file and what is wrong`() throws {
        let fileSystem = SimulatedFileSystem()
        try open(fileSystem).close()
        let length = try #require(fileSystem.contents("/data/meta.properties")).count
        fileSystem.damage(
            "/data/meta.properties",
            at: 0,
            with: [UInt8](repeating: 0, count: length)
        )
        let expected = PartitionStoreError.damagedProperties(
            path: "/data/meta.properties",
            why: "it has no line version="
        )
        #expect(throws: expected) { try open(fileSystem) }
    }

    @Test func `a topic keeps its id and its partitions over a restart`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        let id = UUIDBytes(high: 5, low: 6)
        let handles = try store.createTopic(try topic("plant.a"), id: id, partitions: 2).handles
        #expect(handles.count == 2)
        #expect(throws: TopicError.self) {
            try store.createTopic(try topic("plant.a"), id: id, partitions: 2)
        }
        try append(to: handles[1], of: store)
        try store.close()
        let reopened = try open(fileSystem)
        #expect(reopened.partitions.map(\.name.description) == ["plant.a-0", "plant.a-1"])
        #expect(reopened.partitions.allSatisfy { $0.log.topicID == id && $0.recovery.wasClean })
        #expect(reopened.partitions[1].log.highWatermark > .zero)
    }

    @Test func `one failed log does not stop the others, and gets no clean mark`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        let handles = try store.createTopic(
            try topic("t"),
            id: UUIDBytes(high: 5, low: 6),
            partitions: 2
        ).handles
        for handle in handles { try append(to: handle, of: store) }
        #expect(store.dirtyBytes > .zero)
        var faults = SimulatedFaults()
        faults.fail(.sync, pathSuffix: "t-0/00000000000000000000.log", reason: .io)
        fileSystem.setFaults(faults)
        let result = store.commit()
        #expect(result.failed.map(\.partition) == [handles[0]])
        #expect(result.advanced.map(\.partition) == [handles[1]])
        #expect(store.dirtyBytes == .zero)
        #expect(store.commit().advanced.isEmpty)
        #expect(try store.close().map(\.name.description) == ["t-0"])
        let reopened = try open(fileSystem)
        // The other one has nothing that anybody was ever shown.
        #expect(reopened.partitions.last?.recovery.wasClean == false)
        #expect(reopened.partitions.map(\.log.highWatermark.rawValue).first == 0)
    }

    @Test func `a folder that cannot be opened never stops a start`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        _ = try store.createTopic(try topic("t"), id: UUIDBytes(high: 5, low: 6), partitions: 2)
        try store.close()
        try fileSystem.removeFile("/data/t-0/00000000000000000000.log")
        let reopened = try open(fileSystem)
        #expect(reopened.offline.map(\.name.description) == ["t-0"])
        #expect(reopened.partitions.map(\.name.description) == ["t-1"])
    }

    @Test func `the bytes and syncs that a commit costs are counted`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        let handles = try store.createTopic(
            try topic("t"),
            id: UUIDBytes(high: 5, low: 6),
            partitions: 3
        ).handles
        let before = (store.counters.bytesWritten.count, store.counters.syncs.count)
        for handle in handles.prefix(2) { try append(to: handle, of: store) }
        _ = store.commit()
        let size = BatchPool.shared.batch(0, of: 0).bytes.count
        #expect(store.counters.bytesWritten.count == before.0 + 2 * size)
        #expect(store.counters.syncs.count == before.1 + 2)
    }
}
