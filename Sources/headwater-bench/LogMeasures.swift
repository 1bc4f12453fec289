import BrokerModel
import CommitLog
import Foundation
import RecordFormat

/// One partition's log on the real disk: appended, synced, read.
func measureLog(_ measurements: Measurements, folder: String) throws {
    let root = folder + "/headwater-bench-" + freshRunName()
    let fileSystem = PosixFileSystem()
    try fileSystem.createDirectory(root)
    defer { try? FileManager.default.removeItem(atPath: root) }
    let path = root + "/log-0"
    try PartitionLog.create(
        folder: path,
        topicID: UUIDBytes(high: 1, low: 2),
        fileSystem: fileSystem
    )
    let log = try PartitionLog.open(
        folder: path,
        afterCleanStop: true,
        fileSystem: fileSystem,
        settings: LogSettings()
    ).log
    let batch = try TelemetryBatches(records: 300, pattern: PayloadPattern(size: 200)).sealed(.none)
    var copy = ByteWriter()
    copy.writeBytes(batch)
    let now = Timestamp(milliseconds: 1_790_000_000_300)
    try measureWriting(measurements, log, copy.mutableBytes, now: now)
    try measureReading(measurements, log)
    try log.close()
}

private func measureWriting(
    _ measurements: Measurements,
    _ log: PartitionLog,
    _ batch: UnsafeMutableRawBufferPointer,
    now: Timestamp
) throws {
    let size = batch.count
    try measurements.measure("commit-log/append/60KB-batch", operations: 16, bytes: 16 * size) {
        let before = log.logEndOffset
        for _ in 0..<16 { _ = try log.append(batch, now: now) }
        checkAnswer(log.logEndOffset == before + 16 * 300)
    }
    try measurements.measure(
        "commit-log/append-and-sync/60KB-batch",
        operations: 4,
        bytes: 4 * size
    ) {
        for _ in 0..<4 {
            _ = try log.append(batch, now: now)
            try log.sync()
        }
        checkAnswer(log.highWatermark == log.logEndOffset)
    }
}

private func measureReading(_ measurements: Measurements, _ log: PartitionLog) throws {
    var output = ByteWriter()
    var next = log.reader.logStartOffset
    try measurements.measure("commit-log/read/1MiB", operations: 1, bytes: 1 << 20) {
        output.removeAll()
        if next >= log.highWatermark { next = log.reader.logStartOffset }
        let result = try log.reader.read(
            from: next,
            maxBytes: .mebibytes(1),
            minOneBatch: true,
            into: &output
        )
        checkAnswer(result.nextOffset > next && !output.isEmpty)
        next = result.nextOffset
    }
}
