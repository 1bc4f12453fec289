import BrokerModel
import CommitLog

/// A new topic, or new partitions of one, whose folders are built a few at a time: each takes two
/// syncs, and a disk that needs 5 ms for one would be busy with thousands of them for a minute.
///
/// Between two steps records may come and go; topics may not change before `finish`, or before a
/// step fails.
struct PartitionBuild {
    enum Purpose {
        case topic(TopicSettings, overrides: [String: String])
        case addition
    }

    let topic: TopicName
    let id: UUIDBytes
    let numbers: Range<Int32>
    let purpose: Purpose
    /// The first one whose folder is not built.
    fileprivate(set) var next: Int32

    init(_ topic: TopicName, id: UUIDBytes, _ numbers: Range<Int32>, for purpose: Purpose) {
        self.topic = topic
        self.id = id
        self.numbers = numbers
        self.purpose = purpose
        next = numbers.lowerBound
    }

    var isNewTopic: Bool {
        switch purpose {
        case .topic: true
        case .addition: false
        }
    }

    fileprivate func name(_ number: Int32) -> TopicPartition {
        TopicPartition(topic: topic, partition: number)
    }

    var names: [TopicPartition] { numbers.map(name) }
}

extension PartitionStore {
    /// Builds at most so many more folders. True once all are there, durable but for their names.
    /// What was built is removed when one cannot be.
    func goOn(with build: inout PartitionBuild, limit: Int) throws(TopicError) -> Bool {
        let end = build.next + Int32(min(limit, Int(build.numbers.upperBound - build.next)))
        do throws(PartitionStoreError) {
            while build.next < end {
                let name = build.name(build.next)
                build.next += 1
                try createFolder(name, topicID: build.id)
            }
            guard end == build.numbers.upperBound else { return false }
            try inDataDirectory { () throws(FileSystemError) in try fileSystem.syncDirectory(path) }
            return true
        } catch {
            // So that a second attempt finds its place free; what cannot go now goes at the start.
            for number in build.numbers.lowerBound..<build.next {
                do throws(FileSystemError) {
                    try removeFolder(unfinished(build.name(number)))
                } catch {}
            }
            throw .storage(error)
        }
    }

    /// All folders are built: the record in the metadata log decides, then the folders get their
    /// names, which the next start does if this one dies meanwhile.
    func finish(_ build: PartitionBuild, now: StorageMoment) throws(TopicError) -> TopicEntry {
        do throws(PartitionStoreError) {
            let metadata = try writableMetadata()
            try commit(to: metadata, now: now) { records(of: build) }
            try nameFolders(build.names)
            switch build.purpose {
            case .topic(let settings, let overrides):
                let topic = ClusterMetadata.Topic(
                    name: build.topic,
                    id: build.id,
                    partitionCount: build.numbers.count,
                    overrides: overrides
                )
                open(topic, settings: settings, afterCleanStop: true)
            case .addition: openPartitions(build.numbers, of: build.topic, afterCleanStop: true)
            }
            guard let made = topics[build.topic] else { throw PartitionStoreError.closed }
            return entry(of: made)
        } catch {
            throw .storage(error)
        }
    }

    private func records(of build: PartitionBuild) -> [ClusterMetadataRecord] {
        switch build.purpose {
        case .topic(_, let overrides):
            records(
                ofNewTopic: build.topic,
                build.id,
                partitions: build.numbers.upperBound,
                overrides
            )
        case .addition:
            build.numbers.map { .partition($0, of: build.id, node: identity.nodeID) }
        }
    }

    func records(
        ofNewTopic name: TopicName,
        _ id: UUIDBytes,
        partitions count: Int32,
        _ overrides: [String: String]
    ) -> [ClusterMetadataRecord] {
        var records = [ClusterMetadataRecord.topic(name: name.description, id: id)]
        for (key, value) in overrides.sorted(by: { $0.key < $1.key }) {
            records.append(
                .topicSetting(topic: name.description, name: key, value: value)
            )
        }
        for number in 0..<count {
            records.append(.partition(number, of: id, node: identity.nodeID))
        }
        return records
    }

    /// Puts folders that were built to their places, now that a record says that they are there.
    private func nameFolders(_ names: [TopicPartition]) throws(PartitionStoreError) {
        try inDataDirectory { () throws(FileSystemError) in
            for name in names { try fileSystem.rename(unfinished(name), to: folder(of: name)) }
            try fileSystem.syncDirectory(path)
        }
    }
}
