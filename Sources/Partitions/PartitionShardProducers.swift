import BrokerModel
import CommitLog
import EventLoop

// What a storage loop does for producers with an id.
extension PartitionShard {
    func appendChecking(
        _ request: AppendRequest,
        to store: PartitionStore
    ) -> Result<Offset, CommitLogError> {
        let batch = request.batch
        do throws(CommitLogError) {
            let range = try store.append(
                checking: batch.bytes.mutableBytes,
                to: request.partition,
                outcomes: &batch.outcomes,
                now: loop.wallClock
            )
            count(batch.outcomes)
            // What a failed commit would lose.
            batch.recordCount = range.map { $0.lastOffset - $0.baseOffset + 1 } ?? 0
            guard let range else { return .success(Offset(-1)) }
            counters.batches.add()
            counters.records.add(batch.recordCount)
            counters.bytes.add(range.size.rawValue)
            return .success(range.baseOffset)
        } catch {
            return .failure(noteFailed(request, in: store, error))
        }
    }

    private func count(_ outcomes: [BatchOutcome]) {
        for outcome in outcomes {
            switch outcome {
            case .appended: break
            case .duplicate: counters.duplicates.add()
            case .refused(.outOfOrder), .refused(.newEpochNotAtZero):
                counters.sequencesRefused.add()
            case .refused(.epochTooOld): counters.epochsRefused.add()
            }
        }
    }

    func allocateProducerIDs(_ request: ProducerIDRequest, in store: PartitionStore) {
        let outcome: Result<Range<Int64>, PartitionStoreError>
        do throws(PartitionStoreError) {
            let block = try store.allocateProducerIDs(now: moment)
            counters.producerIDsAllocated.add(block.count)
            outcome = .success(block)
        } catch {
            report(.producerIDsFailed(error))
            outcome = .failure(error)
        }
        request.replyTo.post(ProducerIDReply(outcome: outcome))
    }
}
