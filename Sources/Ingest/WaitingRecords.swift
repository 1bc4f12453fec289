import BrokerModel

/// Records whose topic is being made, in the order in which they came.
struct WaitingRecords: ~Copyable {
    struct Record {
        let timestamp: Timestamp
        /// -1: no key.
        let keyBytes: Int
        let valueBytes: Int
        let headerBytes: Int
        let headerCount: Int
        let waiter: RecordWaiter
    }

    private(set) var records: [Record] = []
    var reservation = PoolReservation()
    private var bytes = ByteWriter()

    mutating func append(
        _ record: EncodedRecord,
        at time: Timestamp,
        _ waiter: RecordWaiter
    ) {
        records.append(
            Record(
                timestamp: time,
                keyBytes: record.key?.count ?? -1,
                valueBytes: record.value?.count ?? 0,
                headerBytes: record.headers.count,
                headerCount: record.headerCount,
                waiter: waiter
            )
        )
        if let key = record.key { bytes.writeBytes(key) }
        if let value = record.value { bytes.writeBytes(value) }
        bytes.writeBytes(record.headers)
    }

    /// Calls `body` with each record.
    func forEach(_ body: (Record, EncodedRecord) -> Void) {
        var reader = ByteReader(bytes.bytes)
        for record in records {
            guard let key = reader.readBytes(max(record.keyBytes, 0)),
                let value = reader.readBytes(record.valueBytes),
                let headers = reader.readBytes(record.headerBytes)
            else { return }
            body(
                record,
                EncodedRecord(
                    key: record.keyBytes < 0 ? nil : key,
                    value: value,
                    headers: headers,
                    headerCount: record.headerCount
                )
            )
        }
    }
}

/// What a record holds. The bytes are borrowed.
struct EncodedRecord {
    let key: UnsafeRawBufferPointer?
    let value: UnsafeRawBufferPointer?
    /// As `ByteWriter.writeRecordHeader` writes them.
    let headers: UnsafeRawBufferPointer
    let headerCount: Int

    /// What it takes at most in a batch.
    var size: Int {
        (key?.count ?? 0) &+ (value?.count ?? 0) &+ headers.count &+ PartitionQueue.recordOverhead
    }
}

/// Room taken from a pool in steps, so that a record rarely touches it.
struct PoolReservation {
    /// A batch begins with little, because there may be as many as there are partitions.
    private static let firstStep = 16 << 10
    private static let step = 64 << 10

    private(set) var reserved = 0
    private var used = 0

    /// Takes room for `size` more bytes. False when the pool is full now.
    @inline(__always)
    mutating func reserve(_ size: Int, from pool: MemoryPool) -> Bool {
        let needed = used &+ size
        used = needed
        guard needed > reserved else { return true }
        return grow(to: needed, from: pool)
    }

    private mutating func grow(to needed: Int, from pool: MemoryPool) -> Bool {
        let step = ByteCount(max(reserved == 0 ? Self.firstStep : Self.step, needed - reserved))
        reserved += step.rawValue
        if pool.reserve(step) { return true }
        pool.overdraw(step)
        return false
    }
}
