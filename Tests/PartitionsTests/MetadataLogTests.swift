import BrokerModel
import CommitLog
import HeadwaterTesting
import Partitions
import RecordFormat
import Testing

/// The metadata log, and what a start makes of it and of the folders.
@Suite struct MetadataLogTests {
    private static let id = UUIDBytes(high: 0x0102_0304_0506_0708, low: 0x090a_0b0c_0d0e_0f10)
    private static let path = "/data/__cluster_metadata-0/00000000000000000000.log"

    private func open(_ fileSystem: SimulatedFileSystem) throws -> PartitionStore {
        try PartitionStore.open(
            path: "/data",
            fileSystem: fileSystem,
            newIdentity: { PartitionStoreIdentity(nodeID: 7, clusterID: .zero, directoryID: .zero) }
        )
    }

    private func topic(_ name: String) throws -> TopicName { try #require(TopicName(name)) }

    private func values(of file: [UInt8]) throws -> [[UInt8]] {
        var values: [[UInt8]] = []
        var position = 0
        var decompressor = RecordDecompressor()
        var bytes = ByteWriter()
        bytes.writeBytes(file)
        while position < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes.bytes[position...])
            let batch = try #require(try RecordBatchView.first(in: rest))
            var records = try batch.records(decompressor: &decompressor, limit: .mebibytes(1))
            while let record = try records.next() {
                #expect(record.key == nil)
                values.append(record.value.map { [UInt8]($0) } ?? [])
            }
            position += batch.sizeInBytes.rawValue
        }
        return values
    }

    @Test func `a topic's life is written in Kafka's records`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        try store.createTopic(
            try topic("ab"),
            id: Self.id,
            partitions: 1,
            overrides: ["retention.ms": "5"]
        )
        try store.deleteTopic(try topic("ab"))
        let uuid: [UInt8] = Array(1...16)
        let node: [UInt8] = [0, 0, 0, 7]
        let expected: [[UInt8]] = [
            // Frame version, type, version; then the body and no tagged fields.
            [1, 2, 0, 3] + Array("ab".utf8) + uuid + [0],
            [1, 4, 0, 2, 3] + Array("ab".utf8) + [13] + Array("retention.ms".utf8) + [2, 0x35, 0],
            [1, 3, 0, 0, 0, 0, 0] + uuid + [2] + node + [2] + node + [1, 1] + node
                + [0, 0, 0, 0, 0, 0, 0, 0, 0],
            [1, 9, 0] + uuid + [0],
        ]
        #expect(try values(of: try #require(fileSystem.contents(Self.path))) == expected)
    }

    @Test func `settings outlive a restart, and a topic that was deleted stays away`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        let told = ["durability": "written", "retention.bytes": "70000"]
        try store.createTopic(try topic("a"), id: Self.id, partitions: 3, overrides: told)
        try store.createTopic(try topic("b"), id: UUIDBytes(high: 1, low: 1), partitions: 1)
        try store.deleteTopic(try topic("b"))
        try store.close()
        let reopened = TopicCatalogSnapshot(of: try open(fileSystem))
        #expect(reopened.topics.map(\.name.description) == ["a"])
        let entry = try #require(reopened.topics.first)
        #expect(entry.id == Self.id && entry.overrides == told)
        #expect(entry.settings.durability == .written && entry.partitions.count == 3)
    }

    @Test func `a data folder from before the metadata log is taken over`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        try store.createTopic(try topic("old"), id: Self.id, partitions: 2)
        try store.close()
        for file in try fileSystem.list("/data/__cluster_metadata-0") {
            try fileSystem.removeFile("/data/__cluster_metadata-0/" + file.name)
        }
        try fileSystem.removeDirectory("/data/__cluster_metadata-0")
        for _ in 0..<2 {
            let reopened = try open(fileSystem)
            let entry = try #require(TopicCatalogSnapshot(of: reopened).topics.first)
            #expect(entry.name == (try topic("old")) && entry.id == Self.id)
            #expect(entry.handles.count == 2)
            try reopened.close()
        }
        #expect(try values(of: try #require(fileSystem.contents(Self.path))).count == 3)
    }

    @Test func `a folder that is lost or broken is offline, and never made anew`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        try store.createTopic(try topic("t"), id: Self.id, partitions: 2)
        try store.close()
        for file in try fileSystem.list("/data/t-0") {
            try fileSystem.removeFile("/data/t-0/" + file.name)
        }
        try fileSystem.removeDirectory("/data/t-0")
        let reopened = try open(fileSystem)
        #expect(reopened.offline.map(\.name.description) == ["t-0"])
        let entry = try #require(TopicCatalogSnapshot(of: reopened).topics.first)
        #expect(entry.partition(0) == nil && entry.partition(1) != nil)
        #expect(throws: TopicError.self) {
            try reopened.createTopic(try topic("t"), id: Self.id, partitions: 2)
        }
        #expect(throws: (any Error).self) { try fileSystem.list("/data/t-0") }
    }

    @Test func `a folder that nobody knows and nobody can open is not covered by a new topic`()
        throws
    {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        try fileSystem.createDirectory("/data/x-0")
        try store.close()
        let reopened = try open(fileSystem)
        #expect(reopened.offline.map(\.name.description) == ["x-0"])
        #expect(throws: TopicError.self) {
            try reopened.createTopic(try topic("x"), id: Self.id, partitions: 1)
        }
    }

    @Test func `a deleted topic's folders wait for their time, then go in small steps`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        let told = ["file.delete.delay.ms": "2000"]
        try store.createTopic(try topic("t"), id: Self.id, partitions: 2, overrides: told)
        try store.deleteTopic(try topic("t"))
        func folders() throws -> [String] {
            try fileSystem.list("/data").filter(\.isDirectory).map(\.name).sorted()
                .filter { $0.hasPrefix("t-") }
        }
        #expect(try folders() == ["t-0.\(Self.id)-delete", "t-1.\(Self.id)-delete"])
        let due = MonotonicTime(nanoseconds: 2_000_000_000)
        #expect(store.nextRemoval == due)
        #expect(!store.removeDeleted(now: MonotonicTime(nanoseconds: 1_999_999_999), limit: 100))
        #expect(try folders().count == 2)
        var steps = 1
        while store.removeDeleted(now: due, limit: 2) { steps += 1 }
        #expect(steps > 4)
        #expect(try folders().isEmpty)
        // The name is free.
        try store.createTopic(try topic("t"), id: UUIDBytes(high: 9, low: 9), partitions: 1)
        #expect(store.takeLeftBehind().isEmpty)
    }

    @Test func `without a metadata log that opens, topics are served and none can change`() throws {
        let fileSystem = SimulatedFileSystem()
        let store = try open(fileSystem)
        try store.createTopic(try topic("t"), id: Self.id, partitions: 1)
        try store.close()
        try fileSystem.removeFile(Self.path)
        let reopened = try open(fileSystem)
        #expect(reopened.offline.map(\.name.description) == ["__cluster_metadata-0"])
        #expect(TopicCatalogSnapshot(of: reopened).topics.map(\.name.description) == ["t"])
        #expect(throws: TopicError.self) { try reopened.deleteTopic(try topic("t")) }
    }
}
