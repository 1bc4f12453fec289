import BrokerModel
import KafkaWire
import RecordFormat

/// Reads partitions as any Kafka consumer does, each from where it is told on.
final class RecordReader {
    private static let recordBytesMax = ByteCount.mebibytes(64)
    private static let partitionBytesMax: Int32 = 1 << 20
    private static let wait = Duration.milliseconds(500)

    /// Told of the offsets that retention took before they were read.
    var skipped: (PartitionName, Range<Offset>) -> Void = { _, _ in }
    /// Where each partition goes on: behind the last record that was lent.
    private(set) var positions: [PartitionName: Offset] = [:]

    private let client: KafkaClient
    private var outOfRange: [PartitionName] = []
    private var decompressor = RecordDecompressor()
    private var isSatisfied = false

    init(_ client: KafkaClient) { self.client = client }

    /// Reads these partitions from now on, and no others.
    func assign(_ positions: [PartitionName: Offset]) {
        self.positions = positions
        outOfRange = []
    }

    /// Waits a moment for records and lends each to `body`, with its partition, until that says no.
    func poll(_ body: (PartitionName, RecordView) -> Bool) throws(KafkaClientError) {
        let topics = positions.keys.blocks { partition in
            FetchRequest.Partition(
                index: partition.index,
                fetchOffset: positions[partition] ?? .zero,
                bytesMax: Self.partitionBytesMax
            )
        }
        let request = FetchRequest(
            topics: topics,
            waitMillisecondsMax: Int32(Self.wait.wholeMilliseconds),
            bytesMin: 1
        )
        var failure: KafkaClientError?
        isSatisfied = false
        try client.exchange(.fetch, 12, request.write(to:version:)) {
            reader,
            version throws(KafkaWireError) in
            let response = try FetchResponse(reading: &reader, version: version)
            for topic in response.topics {
                for partition in topic.partitions where failure == nil && !isSatisfied {
                    let name = PartitionName(topic: topic.name, index: partition.head.index)
                    failure = take(name, partition, body)
                }
            }
        }
        if let failure { throw failure }
        while let partition = outOfRange.popLast() { try goOn(in: partition) }
    }

    /// Goes on at the log's start, where retention has overtaken this reader.
    private func goOn(in partition: PartitionName) throws(KafkaClientError) {
        let position = positions[partition] ?? .zero
        let starts = try client.offsets(of: [partition], at: ListOffsetsPlace.earliest)
        guard let start = starts[partition], start > position else {
            throw .broker(.offsetOutOfRange, "partition \(partition)")
        }
        skipped(partition, position..<start)
        positions[partition] = start
    }

    private func take(
        _ name: PartitionName,
        _ partition: FetchResponse.Partition,
        _ body: (PartitionName, RecordView) -> Bool
    ) -> KafkaClientError? {
        if partition.head.errorCode == .offsetOutOfRange {
            outOfRange.append(name)
            return nil
        }
        guard partition.head.errorCode == .none else {
            return .broker(partition.head.errorCode, "partition \(name)")
        }
        guard var rest = partition.records, var position = positions[name] else { return nil }
        defer { positions[name] = position }
        do throws(RecordFormatError) {
            while let batch = try RecordBatchView.first(in: rest) {
                rest = UnsafeRawBufferPointer(rebasing: rest[batch.bytes.count...])
                try batch.check(from: .log)
                var records = try batch.records(
                    decompressor: &decompressor,
                    limit: Self.recordBytesMax
                )
                while let record = try records.next() {
                    guard record.offset >= position else { continue }
                    position = record.offset + 1
                    guard body(name, record) else {
                        isSatisfied = true
                        return nil
                    }
                }
                position = max(position, batch.nextOffset)
            }
        } catch {
            return .broker(.corruptMessage, "partition \(name): \(error)")
        }
        return nil
    }
}
