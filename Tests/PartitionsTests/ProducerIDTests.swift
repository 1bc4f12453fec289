import BrokerModel
import CommitLog
import HeadwaterTesting
import Partitions
import Testing

/// Producer ids, which the metadata log pays for.
@Suite struct ProducerIDTests {
    private func open(_ fileSystem: SimulatedFileSystem) throws -> PartitionStore {
        try PartitionStore.open(
            path: "/data",
            fileSystem: fileSystem,
            newIdentity: { PartitionStoreIdentity(nodeID: 7, clusterID: .zero, directoryID: .zero) }
        )
    }

    @Test func `blocks of ids follow each other, over crashes too`() throws {
        var fileSystem = SimulatedFileSystem()
        var store = try open(fileSystem)
        #expect(try store.allocateProducerIDs() == 0..<1_000)
        #expect(try store.allocateProducerIDs() == 1_000..<2_000)
        try store.close()
        store = try open(fileSystem)
        #expect(try store.allocateProducerIDs() == 2_000..<3_000)
        for seed in 0..<20 as Range<UInt64> {
            fileSystem = fileSystem.survivors(seed: seed)
            store = try open(fileSystem)
            let first = Int64(3_000 + 1_000 * seed)
            #expect(try store.allocateProducerIDs() == first..<first + 1_000)
        }
    }

    @Test func `a block is Kafka's record of type 15`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        _ = try store.allocateProducerIDs()
        let path = "/data/__cluster_metadata-0/00000000000000000000.log"
        let stored = try #require(fileSystem.contents(path))
        // Frame version, type, version; node, no broker epoch, next id; no tagged fields.
        let none = [UInt8](repeating: 0xff, count: 8)
        let record: [UInt8] =
            [1, 15, 0, 0, 0, 0, 7] + none + [0, 0, 0, 0, 0, 0, 0x03, 0xe8, 0]
        // The value, and behind it the record's count of headers.
        #expect(stored.suffix(record.count + 1) == record + [0])
    }

    @Test func `where the metadata log was lost, ids begin behind those in use`() throws {
        let fileSystem = SimulatedFileSystem()
        try append([17, 5, .max], to: try open(fileSystem))
        let after = fileSystem.killProcess()
        let folder = "/data/__cluster_metadata-0"
        for file in try after.list(folder) { try after.removeFile(folder + "/" + file.name) }
        try after.removeDirectory(folder)
        #expect(try open(after).allocateProducerIDs() == 18..<1_018)
    }

    @Test func `ids that clients make up do not move the next one`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        _ = try store.allocateProducerIDs()
        try append([1 << 50], to: store)
        #expect(try open(fileSystem.killProcess()).allocateProducerIDs() == 1_000..<2_000)
    }

    private func append(_ ids: [Int64], to store: PartitionStore) throws {
        let name = try #require(TopicName("t"))
        let topic = try store.createTopic(name, id: UUIDBytes(high: 1, low: 2), partitions: 1)
        let handle = try #require(topic.handles.first)
        var outcomes: [BatchOutcome] = []
        for id in ids {
            var bytes = BatchPool.shared.batch(0, of: 0).bytes
            try bytes.withUnsafeMutableBytes {
                IdempotentBatch.stamp($0, producerID: id, epoch: 0, sequence: 0)
                _ = try store.append(checking: $0, to: handle, outcomes: &outcomes, now: .none)
            }
        }
        _ = store.commit()
    }
}
