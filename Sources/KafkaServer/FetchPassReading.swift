import BrokerModel
import CommitLog
import KafkaWire
import Partitions

// How a pass reads one partition, and holds the reader's history against the log's.
extension FetchPass {
    mutating func read(
        _ wanted: FetchRequest.Partition,
        _ partition: PartitionEntry,
        _ head: inout FetchResponse.PartitionHead,
        into output: inout ByteWriter
    ) throws(CommitLogError) {
        let start = output.count
        var offset = wanted.fetchOffset
        var left = min(room, Int(max(0, wanted.bytesMax)))
        var highWatermark: Offset
        // One read ends with its segment; what the client has room for may lie in the next.
        repeat {
            let found: PartitionReader.ReadResult
            do throws(CommitLogError) {
                found = try partition.reader.read(
                    from: offset,
                    maxBytes: ByteCount(left),
                    minOneBatch: recordBytes == 0 && brings == .oneBatch,
                    access: access,
                    into: &output
                )
            } catch {
                // What was read before stands; the next fetch meets the error, or the disk.
                guard output.count > start else { throw error }
                break
            }
            offset = found.nextOffset
            highWatermark = found.highWatermark
            left = max(0, left &- found.bytesRead.rawValue)
            room = max(0, room &- found.bytesRead.rawValue)
            recordBytes &+= found.bytesRead.rawValue
            head.highWatermark = highWatermark
            head.lastStableOffset = highWatermark  // There are no transactions yet.
            head.logStartOffset = found.logStartOffset
            if found.bytesRead == .zero { break }
        } while left > 0 && offset < highWatermark
        if offset < head.highWatermark { isFull = true }
        watched.append(WatchedPartition(partition: partition, highWatermark: head.highWatermark))
    }

    mutating func code(
        of error: CommitLogError,
        _ topic: TopicName,
        _ partition: Int32
    ) -> KafkaErrorCode {
        switch error {
        case .offsetOutOfRange: return .offsetOutOfRange
        case .fileSystem, .readOnly, .closed, .batchTooLarge, .malformedBatch, .damaged, .unusable:
            let name = TopicPartition(topic: topic, partition: partition)
            failures.append(FailedRead(partition: name, error: error))
            return .kafkaStorageError
        }
    }

    // MARK: Leader epochs

    /// Says where the reader's log parts from ours, when it tells its last epoch (KIP-595).
    mutating func isDiverging(
        _ wanted: FetchRequest.Partition,
        _ reader: PartitionReader,
        _ head: inout FetchResponse.PartitionHead
    ) -> Bool {
        guard wanted.lastFetchedEpoch >= .zero else { return false }
        guard let end = reader.endOffset(forEpoch: wanted.lastFetchedEpoch),
            wanted.fetchOffset >= reader.logStartOffset
        else {
            head.errorCode = .offsetOutOfRange
            return true
        }
        guard end.epoch < wanted.lastFetchedEpoch || end.endOffset < wanted.fetchOffset else {
            return false
        }
        head.divergingEpoch = .init(epoch: end.epoch, endOffset: end.endOffset)
        head.tellEnds(of: reader)
        return true
    }

    /// Spares a client with an old epoch the Metadata request (KIP-951).
    mutating func tellLeader(
        _ reader: PartitionReader,
        in head: inout FetchResponse.PartitionHead
    ) {
        guard version >= 16 else { return }
        fencedLeader = true
        head.currentLeader = LeaderAndEpoch(
            leaderID: identity.nodeID,
            leaderEpoch: reader.leaderEpoch
        )
    }
}

extension FetchResponse.PartitionHead {
    /// Of a partition that was not read.
    mutating func tellEnds(of reader: PartitionReader) {
        highWatermark = reader.highWatermark
        lastStableOffset = highWatermark
        logStartOffset = reader.logStartOffset
    }
}
