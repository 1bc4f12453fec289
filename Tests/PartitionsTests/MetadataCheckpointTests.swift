import BrokerModel
import CommitLog
import HeadwaterTesting
import Partitions
import RecordFormat
import Testing

/// The file that takes the place of a long history of the metadata log.
@Suite struct MetadataCheckpointTests {
    private static let folder = "/data/__cluster_metadata-0"
    private static let id = UUIDBytes(high: 1, low: 2)

    private func open(_ fileSystem: SimulatedFileSystem) throws -> PartitionStore {
        var creation = TopicCreationSettings()
        creation.metadataBytesMax = .kibibytes(1)
        return try PartitionStore.open(
            path: "/data",
            fileSystem: fileSystem,
            creation: creation,
            newIdentity: { PartitionStoreIdentity(nodeID: 7, clusterID: .zero, directoryID: .zero) }
        )
    }

    private func topic(_ name: String) throws -> TopicName { try #require(TopicName(name)) }

    private func names(_ fileSystem: SimulatedFileSystem, _ suffix: String) throws -> [String] {
        try fileSystem.list(Self.folder).map(\.name).filter { $0.hasSuffix(suffix) }.sorted()
    }

    /// A topic that was changed more often than a start wants to read.
    private func changed(_ fileSystem: SimulatedFileSystem, times: Int = 60) throws {
        let store = try open(fileSystem)
        try store.createTopic(try topic("a"), id: Self.id, partitions: 2)
        for number in 1...times {
            try store.alterTopic(try topic("a"), changes: ["retention.ms": "\(number)"])
        }
        try store.createTopic(try topic("b"), id: UUIDBytes(high: 3, low: 4), partitions: 1)
        try store.deleteTopic(try topic("b"))
        _ = try store.allocateProducerIDs()
        while store.removeDeleted(now: MonotonicTime(nanoseconds: .max)) {}
        try store.close()
    }

    @Test func `a long history becomes one file, and the log in front of it goes`() throws {
        let fileSystem = SimulatedFileSystem()
        try changed(fileSystem)
        #expect(try names(fileSystem, ".checkpoint").count == 1)
        #expect(try names(fileSystem, ".part").isEmpty)
        #expect(try names(fileSystem, ".log") != ["00000000000000000000.log"])
        fileSystem.resetBytesRead()
        let reopened = try open(fileSystem)
        let read = fileSystem.bytesReadByPath.filter { $0.key.hasPrefix(Self.folder) }.values
        #expect(read.reduce(0, +) < 4_000)
        let topics = TopicCatalogSnapshot(of: reopened).topics
        #expect(topics.map(\.name.description) == ["a"])
        #expect(topics.first?.id == Self.id && topics.first?.handles.count == 2)
        #expect(topics.first?.overrides == ["retention.ms": "60"])
        #expect(try reopened.allocateProducerIDs().lowerBound == 1_000, "none is given twice")
    }

    @Test func `it is written as Kafka writes a snapshot`() throws {
        let fileSystem = SimulatedFileSystem()
        try changed(fileSystem)
        let name = try #require(try names(fileSystem, ".checkpoint").first)
        #expect(name.count == 20 + 1 + 10 + ".checkpoint".count)
        var bytes = ByteWriter()
        bytes.writeBytes(try #require(fileSystem.contents(Self.folder + "/" + name)))
        var kinds: [Bool] = []
        var position = 0
        var next = Offset.zero
        while position < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes.bytes[position...])
            let batch = try #require(try RecordBatchView.first(in: rest))
            try batch.check(from: .log)
            #expect(batch.baseOffset == next)
            next = batch.nextOffset
            kinds.append(batch.isControl)
            position += batch.sizeInBytes.rawValue
        }
        #expect(kinds == [true, false, true])
    }

    @Test func `a damaged checkpoint is not believed, and its topics are what their folders say`()
        throws
    {
        let fileSystem = SimulatedFileSystem()
        try changed(fileSystem)
        let name = try #require(try names(fileSystem, ".checkpoint").first)
        let path = Self.folder + "/" + name
        let size = try #require(fileSystem.contents(path)).count
        fileSystem.damage(path, at: size / 2, with: [0xff, 0x00, 0xff])
        let reopened = try open(fileSystem)
        #expect(reopened.offline.map(\.name.description) == ["__cluster_metadata-0"])
        #expect(TopicCatalogSnapshot(of: reopened).topics.map(\.name.description) == ["a"])
        #expect(throws: TopicError.self) {
            try reopened.alterTopic(try topic("a"), changes: ["retention.ms": "1"])
        }
    }

    @Test func `a deleted topic's folder that comes back is known for what it is`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        try store.createTopic(try topic("a"), id: Self.id, partitions: 1)
        try store.createTopic(try topic("b"), id: UUIDBytes(high: 3, low: 4), partitions: 1)
        var faults = SimulatedFaults()
        faults.fail(.rename, pathSuffix: "/b-0", reason: .io)
        fileSystem.setFaults(faults)
        try store.deleteTopic(try topic("b"))
        for number in 1...60 {
            try store.alterTopic(try topic("a"), changes: ["retention.ms": "\(number)"])
        }
        #expect(try names(fileSystem, ".checkpoint").count >= 1)
        let reopened = try open(fileSystem.survivors(seed: 3))
        #expect(TopicCatalogSnapshot(of: reopened).topics.map(\.name.description) == ["a"])
    }

    @Test(arguments: [FileSystemError.Operation.write, .sync])
    func `a metadata log that failed is opened again by the next change`(
        operation: FileSystemError.Operation
    ) throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        try store.createTopic(try topic("a"), id: Self.id, partitions: 1)
        var faults = SimulatedFaults()
        let log = "__cluster_metadata-0/00000000000000000000.log"
        faults.fail(operation, pathSuffix: log, reason: .noSpace)
        fileSystem.setFaults(faults)
        let other = UUIDBytes(high: 3, low: 4)
        #expect(throws: TopicError.self) {
            try store.createTopic(try topic("b"), id: other, partitions: 2)
        }
        try store.createTopic(try topic("b"), id: other, partitions: 2)
        let reopened = try open(fileSystem.survivors(seed: 5))
        #expect(TopicCatalogSnapshot(of: reopened).topics.count == 2)
        #expect(reopened.offline.isEmpty)
    }
}
