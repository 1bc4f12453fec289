import BrokerModel
import KafkaWire
import RecordFormat

/// Reads a topic's partitions as any Kafka consumer does, from where it is told on.
final class TopicReader {
    private static let recordBytesMax = ByteCount.mebibytes(64)
    private static let fetchVersion: Int16 = 12
    private static let listOffsetsVersion: Int16 = 7
    private static let metadataVersion: Int16 = 12
    private static let wait = Duration.milliseconds(500)

    /// Told of the partition and the offsets that retention took before they were read.
    var skipped: (Int32, Range<Offset>) -> Void = { _, _ in }

    private let client: KafkaClient
    private let topic: String
    private var positions: [Int32: Offset] = [:]
    private var outOfRange: [Int32] = []
    private var decompressor = RecordDecompressor()

    init(
        _ client: KafkaClient,
        topic: String,
        from place: Timestamp
    ) throws(KafkaClientError) {
        self.client = client
        self.topic = topic
        for partition in try partitions() {
            positions[partition] = try offset(of: partition, at: place)
        }
    }

    private func partitions() throws(KafkaClientError) -> [Int32] {
        var request = MetadataRequest(topics: [.init(name: topic)])
        request.allowsTopicCreation = false
        let response = try client.exchange(.metadata, version: Self.metadataVersion) {
            request.write(to: &$0, version: Self.metadataVersion)
        } decode: { reader throws(KafkaWireError) in
            try MetadataResponse(reading: &reader, version: Self.metadataVersion)
        }
        guard let found = response.topics.first, found.errorCode == .none else {
            throw .broker(
                response.topics.first?.errorCode ?? .unknownTopicOrPartition,
                "topic '\(topic)'"
            )
        }
        return found.partitions.map(\.index)
    }

    private func offset(
        of partition: Int32,
        at place: Timestamp
    ) throws(KafkaClientError) -> Offset {
        let version = Self.listOffsetsVersion
        let request = ListOffsetsRequest(topics: [
            .init(name: topic, partitions: [.init(index: partition, timestamp: place)])
        ])
        let response = try client.exchange(.listOffsets, version: version) {
            request.write(to: &$0, version: version)
        } decode: { reader throws(KafkaWireError) in
            try ListOffsetsResponse(reading: &reader, version: version)
        }
        guard let found = response.topics.first?.partitions.first, found.errorCode == .none else {
            let code = response.topics.first?.partitions.first?.errorCode
            throw .broker(code ?? .unknownTopicOrPartition, "partition \(topic)-\(partition)")
        }
        return found.offset
    }

    /// Waits a moment for records and lends each to `body`, with its partition, until that says no.
    func poll(_ body: (Int32, RecordView) -> Bool) throws(KafkaClientError) {
        let version = Self.fetchVersion
        let partitions = positions.sorted { $0.key < $1.key }.map { index, offset in
            FetchRequest.Partition(index: index, fetchOffset: offset, bytesMax: 1 << 20)
        }
        let request = FetchRequest(
            topics: [.init(name: topic, partitions: partitions)],
            waitMillisecondsMax: Int32(Self.wait.wholeMilliseconds),
            bytesMin: 1
        )
        var failure: KafkaClientError?
        try client.exchange(.fetch, version: version) {
            request.write(to: &$0, version: version)
        } decode: { reader throws(KafkaWireError) in
            let response = try FetchResponse(reading: &reader, version: version)
            for partition in response.topics.flatMap(\.partitions) where failure == nil {
                failure = take(partition, body)
            }
        }
        if let failure { throw failure }
        while let partition = outOfRange.popLast() { try goOn(in: partition) }
    }

    /// Goes on at the log's start, where retention has overtaken this reader.
    private func goOn(in partition: Int32) throws(KafkaClientError) {
        let position = positions[partition] ?? .zero
        let start = try offset(of: partition, at: ListOffsetsPlace.earliest)
        guard start > position else {
            throw .broker(.offsetOutOfRange, "partition \(topic)-\(partition)")
        }
        skipped(partition, position..<start)
        positions[partition] = start
    }

    private func take(
        _ partition: FetchResponse.Partition,
        _ body: (Int32, RecordView) -> Bool
    ) -> KafkaClientError? {
        let index = partition.head.index
        if partition.head.errorCode == .offsetOutOfRange {
            outOfRange.append(index)
            return nil
        }
        guard partition.head.errorCode == .none else {
            return .broker(partition.head.errorCode, "partition \(topic)-\(index)")
        }
        guard var rest = partition.records else { return nil }
        do throws(RecordFormatError) {
            while let batch = try RecordBatchView.first(in: rest) {
                rest = UnsafeRawBufferPointer(rebasing: rest[batch.bytes.count...])
                try batch.check(from: .log)
                var records = try batch.records(
                    decompressor: &decompressor,
                    limit: Self.recordBytesMax
                )
                while let record = try records.next() {
                    guard record.offset >= positions[index] ?? .zero else { continue }
                    guard body(index, record) else { return nil }
                    positions[index] = record.offset + 1
                }
                positions[index] = max(positions[index] ?? .zero, batch.nextOffset)
            }
        } catch {
            return .broker(.corruptMessage, "partition \(topic)-\(index): \(error)")
        }
        return nil
    }
}
