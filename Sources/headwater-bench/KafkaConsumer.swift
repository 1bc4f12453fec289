import BrokerModel
import KafkaWire
import RecordFormat

/// One consuming connection: reads all partitions once, from end to end, and checks what it gets.
final class KafkaConsumer {
    static let version: Int16 = 12
    /// Kafka's consumers' own default a partition, and all partitions together.
    private static let partitionBytesMax: Int32 = 1 << 20
    private static let decompressedBytesMax = ByteCount.mebibytes(256)

    private struct Line {
        let partition: Int32
        var next: Offset
        let end: Offset
    }

    let socket: LoadSocket
    private let topic: String
    private let checksRecords: Bool
    private let pattern: PayloadPattern
    private var lines: [Line]
    private var decompressor = RecordDecompressor()
    private var contents: [ContentKey: ContentLine] = [:]
    private var askedAt: Int64 = 0
    private(set) var records = 0
    private(set) var faults: [String] = []

    private struct ContentKey: Hashable {
        var partition: Int32
        var producer: Int
        var run: Int64
    }

    private struct ContentLine {
        var next: Int
        /// After how many it began again.
        var cycle: Int?
    }

    init(
        _ socket: LoadSocket,
        topic: String,
        from starts: [Int32: Offset],
        to ends: [Int32: Offset],
        payloadBytes: Int,
        checksRecords: Bool
    ) {
        self.socket = socket
        self.topic = topic
        self.checksRecords = checksRecords
        pattern = PayloadPattern(size: payloadBytes)
        lines = ends.sorted { $0.key < $1.key }.map { partition, end in
            Line(partition: partition, next: starts[partition] ?? .zero, end: end)
        }
    }

    var isFinished: Bool { !faults.isEmpty || lines.allSatisfy { $0.next >= $0.end } }

    func ask(now: Int64) {
        guard !isFinished else { return }
        let wanted = lines.filter { $0.next < $0.end }.map {
            FetchRequest.Partition(
                index: $0.partition,
                fetchOffset: $0.next,
                bytesMax: Self.partitionBytesMax
            )
        }
        let request = FetchRequest(
            topics: [.init(name: topic, partitions: wanted)],
            waitMillisecondsMax: 500,
            bytesMin: 1
        )
        let frame = kafkaFrame(.fetch, version: Self.version) {
            request.write(to: &$0, version: Self.version)
        }
        askedAt = now
        socket.send(frame.bytes)
    }

    /// Takes an answer once it is whole, asks for more, and says how much it consumed.
    func received(
        _ input: UnsafeRawBufferPointer,
        now: Int64,
        latencies: inout LatencyRecord
    ) -> Int {
        do throws(KafkaWireError) {
            guard case .whole(let body) = try KafkaFrame.first(in: input, bytesMax: 1 << 28)
            else { return 0 }
            latencies.record(now &- askedAt)
            var reader = ByteReader(body)
            _ = try KafkaResponseHeader(reading: &reader, api: .fetch, version: Self.version)
            let answer = try FetchResponse(reading: &reader, version: Self.version)
            for partition in answer.topics.flatMap(\.partitions) { take(partition) }
            return KafkaFrame.lengthBytes + body.count
        } catch {
            fault("an answer that is not Kafka's protocol: \(error)")
            socket.close()
            return input.count
        }
    }

    private func take(_ partition: FetchResponse.Partition) {
        let index = partition.head.index
        guard partition.head.errorCode == .none else {
            return fault("partition \(index): \(partition.head.errorCode)")
        }
        guard let place = lines.firstIndex(where: { $0.partition == index }) else {
            return fault("partition \(index), which nobody asked for")
        }
        guard var rest = partition.records else { return }
        do throws(RecordFormatError) {
            while let batch = try RecordBatchView.first(in: rest) {
                rest = UnsafeRawBufferPointer(rebasing: rest[batch.bytes.count...])
                try batch.check(from: .log)
                try take(batch, place)
            }
        } catch {
            fault("partition \(index): \(error)")
        }
    }

    private func take(_ batch: RecordBatchView, _ place: Int) throws(RecordFormatError) {
        // A fetch may begin inside a batch; after that each begins where the last one ended.
        guard batch.baseOffset <= lines[place].next, batch.nextOffset > lines[place].next,
            batch.baseOffset == lines[place].next || records == 0
        else {
            return fault(
                "offset \(batch.baseOffset.rawValue), expected \(lines[place].next.rawValue)"
            )
        }
        lines[place].next = batch.nextOffset
        records += Int(batch.recordCount)
        guard checksRecords else { return }
        var cursor = try batch.records(
            decompressor: &decompressor,
            limit: Self.decompressedBytesMax
        )
        while let record = try cursor.next() {
            guard let value = record.value, let stamp = pattern.stamp(of: value) else {
                return fault("offset \(record.offset.rawValue) holds what nobody sent")
            }
            check(
                stamp,
                ContentKey(
                    partition: lines[place].partition,
                    producer: stamp.device,
                    run: stamp.time
                )
            )
        }
    }

    /// A run's records of one producer in a partition count up, and begin again after always as
    /// many.
    private func check(_ stamp: PayloadPattern.Stamp, _ key: ContentKey) {
        guard var line = contents[key] else {
            contents[key] = ContentLine(next: stamp.sequence + 1)
            return
        }
        if stamp.sequence != line.next {
            guard stamp.sequence == 0, line.next == line.cycle ?? line.next else {
                return fault("record \(stamp.sequence) of a producer, expected \(line.next)")
            }
            line.cycle = line.next
        }
        line.next = stamp.sequence + 1
        contents[key] = line
    }

    private func fault(_ what: String) {
        if faults.count < 5 { faults.append(what) }
    }
}
