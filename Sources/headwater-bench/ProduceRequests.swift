import BrokerModel
import KafkaWire
import RecordFormat

/// One producer's requests to one partition, encoded ahead: to send one is to copy it. After the
/// last the first comes again, so that the contents at each offset are known.
struct ProduceRequests {
    static let version: Int16 = 9
    /// Where a request's correlation id stands: behind length, key and version.
    static let correlationPlace = 8
    private static let bytesMax = 16 << 20

    let frames: [[UInt8]]
    let recordsEach: Int
    let payloadBytesEach: Int
    let batchBytesEach: Double

    init(
        _ plan: KafkaProducePlan,
        partition: Int32,
        producer: Int,
        run: Int64,
        pattern: PayloadPattern
    ) throws {
        recordsEach = plan.recordsEach
        payloadBytesEach = recordsEach * plan.payloadBytes
        let count = max(4, min(1_024, Self.bytesMax / max(1, payloadBytesEach) / 4))
        var frames: [[UInt8]] = []
        var batchBytes = 0
        for index in 0..<count {
            let batch = try TelemetryBatches(
                records: recordsEach,
                pattern: pattern,
                producer: producer,
                run: run,
                first: index * recordsEach
            ).sealed(plan.codec)
            batchBytes += batch.count
            frames.append(Self.frame(batch, plan, partition))
        }
        self.frames = frames
        batchBytesEach = Double(batchBytes) / Double(count)
    }

    private static func frame(
        _ batch: [UInt8],
        _ plan: KafkaProducePlan,
        _ partition: Int32
    ) -> [UInt8] {
        batch.withUnsafeBytes { records in
            let request = ProduceRequest(
                acks: plan.acks,
                timeoutMilliseconds: 30_000,
                topics: [
                    .init(name: plan.topic, partitions: [.init(index: partition, records: records)])
                ]
            )
            let frame = kafkaFrame(.produce, version: version) {
                request.write(to: &$0, version: version)
            }
            return [UInt8](frame.bytes)
        }
    }
}
