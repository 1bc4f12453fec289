import BrokerModel
import Foundation
import KafkaWire
import Posix
import RecordFormat

/// One `headwater produce`: reads, batches, sends, and counts what was acknowledged.
final class ProduceRun {
    /// Of the batches of one request; a record above it goes alone.
    private static let requestBytesMax = ByteCount.kibibytes(512)
    private static let lineBytesMax = 64 << 20
    private static let creationMax = 50
    private static let creationPause = Duration.milliseconds(100)
    private static let timeoutMilliseconds: Int32 = 30_000

    private final class OpenBatch {
        var builder = RecordBatchBuilder()
        /// On its way, with so many records.
        var sealed = ByteWriter()
        var sealedRecords = 0
    }

    private let command: ProduceCommand
    private let client: KafkaClient
    private let source: ReplaySource
    private let interruption: Interruption
    private let parser: RecordParser
    private let partitions: [Int32]
    private var progress: ProduceProgress
    private var batches: [Int32: OpenBatch] = [:]
    private var waiting = 0
    private var waitingBytes = 0
    private var nextKeyless = 0
    private var zstd = ZstdCompressor()
    /// For the other codecs, which no batch is built with.
    private var recompressor = RecordBatchRecompressor()
    private var line = 0

    init(
        _ command: ProduceCommand,
        _ client: KafkaClient,
        _ interruption: Interruption
    ) throws {
        self.command = command
        self.client = client
        self.interruption = interruption
        source = try ReplaySource(path: command.input.file, flag: "--file") {
            interruption.hasCome()
        }
        parser = RecordParser(command.input)
        progress = ProduceProgress(size: source.size)
        partitions = try Self.partitions(of: command, client)
    }

    /// Asks for the topic, which makes it where the broker makes topics by itself.
    private static func partitions(
        of command: ProduceCommand,
        _ client: KafkaClient
    ) throws -> [Int32] {
        for _ in 0..<creationMax {
            guard let topic = try client.topics([command.topic], creating: true).first else {
                break
            }
            switch topic.errorCode {
            case .none:
                let all = topic.partitions.map(\.index).sorted()
                guard let wanted = command.partition else { return all }
                guard all.contains(wanted) else {
                    throw Failure.refused(
                        "topic '\(command.topic)' has partitions 0 to \(all.count - 1), not "
                            + "\(wanted)"
                    )
                }
                return [wanted]
            case .leaderNotAvailable: try client.pause(creationPause)
            case .unknownTopicOrPartition:
                throw Failure.refused(
                    "there is no topic '\(command.topic)', and the broker makes none by itself; "
                        + "'headwater topics create \(command.topic)' makes it"
                )
            default: throw KafkaClientError.broker(topic.errorCode, "topic '\(command.topic)'")
            }
        }
        throw KafkaClientError.broker(.leaderNotAvailable, "topic '\(command.topic)'")
    }

    func run() throws {
        while let next = try source.readLine(bytesMax: Self.lineBytesMax) {
            line += 1
            guard let bytes = next else {
                throw refusal("the line is longer than \(Self.lineBytesMax >> 20) MiB")
            }
            do throws(RecordParser.Refusal) {
                try add(try parser.record(of: bytes))
            } catch {
                // What came before it is good.
                try flush()
                throw refusal(error.reason)
            }
            // Who types, or writes slowly, sees each line arrive.
            if source.isDrained || waitingBytes >= Self.requestBytesMax.rawValue { try flush() }
            progress.showIfDue(bytesRead: source.bytesTaken)
        }
        try flush()
        if command.acks == .none { try confirmReceipt() }
    }

    private func refusal(_ reason: String) -> Failure {
        .unusable("\(command.input.file), line \(line): \(reason)")
    }

    private func add(_ record: OutgoingRecord) throws(RecordParser.Refusal) {
        let place = partition(of: record)
        let batch = batches[place] ?? OpenBatch()
        batches[place] = batch
        let before = batch.builder.uncompressedBytes
        var headers = ByteWriter()
        for header in record.headers {
            let name = Array(header.name.utf8)
            name.withUnsafeBytes { name in
                Self.lend(header.value) { headers.writeRecordHeader(name: name, value: $0) }
            }
        }
        let timestamp =
            record.timestamp ?? Timestamp(milliseconds: SystemClock.wallMilliseconds)
        let failure = Self.lend(record.key) { key in
            Self.lend(record.value) { value -> RecordFormatError? in
                do throws(RecordFormatError) {
                    try batch.builder.append(
                        timestamp: timestamp,
                        key: key,
                        value: value,
                        headerCount: record.headers.count,
                        headerBytes: headers.bytes
                    )
                    return nil
                } catch {
                    return error
                }
            }
        }
        if let failure { throw RecordParser.Refusal(reason: "no record: \(failure)") }
        waiting += 1
        waitingBytes += (batch.builder.uncompressedBytes - before).rawValue
    }

    private static func lend<Value>(
        _ bytes: [UInt8]?,
        _ body: (UnsafeRawBufferPointer?) -> Value
    ) -> Value {
        guard let bytes else { return body(nil) }
        return bytes.withUnsafeBytes { body($0) }
    }

    /// Records without a key stay together until the request is sent, as Kafka's producers have it.
    private func partition(of record: OutgoingRecord) -> Int32 {
        guard let key = record.key, partitions.count > 1 else {
            return partitions[nextKeyless % partitions.count]
        }
        let count = partitions.count
        return partitions[key.withUnsafeBytes { Murmur2.partition(ofKey: $0, among: count) }]
    }

    private func flush() throws(KafkaClientError) {
        guard waiting > 0 else { return }
        let sealed = batches.sorted { $0.key < $1.key }.filter { !$0.value.builder.isEmpty }
        for (_, batch) in sealed { try seal(batch) }
        nextKeyless += 1
        (waiting, waitingBytes) = (0, 0)
        let request = ProduceRequest(
            acks: command.acks.number,
            timeoutMilliseconds: Self.timeoutMilliseconds,
            topics: [
                .init(
                    name: command.topic,
                    partitions: sealed.map { .init(index: $0.key, records: $0.value.sealed.bytes) }
                )
            ]
        )
        guard command.acks != .none else {
            try client.send(.produce, 9, request.write(to:version:))
            return sealed.forEach { progress.unconfirmed += $0.value.sealedRecords }
        }
        let answer = try client.exchange(
            .produce,
            9,
            request.write(to:version:),
            ProduceResponse.init(reading:version:)
        ).topics.byPartition(\.index)
        for (index, batch) in sealed {
            let place = PartitionName(topic: command.topic, index: index)
            guard let found = answer[place], found.errorCode == .none else {
                throw refusal(of: place, answer[place])
            }
            progress.acknowledge(batch.sealedRecords, in: index, from: found.baseOffset)
        }
    }

    private func seal(_ batch: OpenBatch) throws(KafkaClientError) {
        batch.sealed.removeAll()
        batch.sealedRecords = batch.builder.recordCount
        switch command.compression {
        case .zstd: batch.builder.seal(compressor: &zstd, into: &batch.sealed)
        case .none: batch.builder.sealUncompressed(into: &batch.sealed)
        case .gzip, .snappy, .lz4:
            do throws(RecordFormatError) {
                try sealRecompressed(batch)
            } catch {
                throw .broker(.messageTooLarge, "a batch cannot be compressed, \(error)")
            }
        }
    }

    private func sealRecompressed(_ batch: OpenBatch) throws(RecordFormatError) {
        var plain = ByteWriter()
        batch.builder.sealUncompressed(into: &plain)
        guard let view = try RecordBatchView.first(in: plain.bytes) else { return }
        try recompressor.recompress(
            view,
            to: command.compression.codec,
            levels: CompressionLevels(),
            limit: ByteCount(plain.count),
            into: &batch.sealed
        )
    }

    private func refusal(
        of place: PartitionName,
        _ answer: ProduceResponse.Partition?
    ) -> KafkaClientError {
        let reason = answer?.recordErrors.first?.message ?? answer?.errorMessage
        return .broker(
            answer?.errorCode ?? .unknownServerError,
            "partition \(place)" + (reason.map { ", \($0)" } ?? "")
        )
    }

    /// With `acks=0` a refusal ends the connection; requests are looked at in order, so an answer
    /// to a later one says that all were taken.
    private func confirmReceipt() throws(KafkaClientError) {
        _ = try client.topics([command.topic])
        progress.confirm()
    }

    func report() {
        writeStandardError(progress.summary + "\n")
        if command.options.json { command.options.show(progress.json(topic: command.topic)) }
    }
}
