import BrokerModel
import KafkaWire

/// One Produce request between its reading and its answer.
final class PendingProduce {
    private(set) var correlationID: Int32 = 0
    private(set) var version: Int16 = 0
    /// False for a producer that asked for none (`acks=0`).
    private(set) var wantsAnswer = true
    /// Filled in as the log answers, partition by partition.
    var response = ProduceResponse(topics: [])
    /// Partitions that the log has not answered for; one more while the request is being read.
    var partitionsLeft = 0
    /// Of the produce pool, until the log has answered.
    var held = ByteCount.zero
    /// Nil once its connection is gone: its records are stored all the same.
    var handler: KafkaConnectionHandler?

    private var deadline = MonotonicTime(nanoseconds: 0)
    private(set) var hasTimedOut = false
    /// It has left its connection's ring before the log answered.
    var isAnswered = false

    var isComplete: Bool { partitionsLeft == 0 || hasTimedOut }

    /// Held, and counted as one partition more, until its reading is over.
    func begin(
        _ header: KafkaRequestHeader,
        acks: Int16,
        until deadline: MonotonicTime,
        of handler: KafkaConnectionHandler
    ) {
        correlationID = header.correlationID
        version = header.apiVersion
        wantsAnswer = acks != 0
        self.deadline = deadline
        hasTimedOut = false
        isAnswered = false
        partitionsLeft = 1
        self.handler = handler
    }

    /// Ends the wait for the log if it was too long. What it has not answered for may still be
    /// stored: that is what the producer is told. True when there is an answer now.
    func timeOut(at now: MonotonicTime) -> Bool {
        guard !isComplete, deadline <= now else { return false }
        hasTimedOut = true
        guard wantsAnswer else { return true }  // It only holds up the answers behind it.
        let refusal = ProduceRefusal(
            .requestTimedOut,
            "the disk has not answered in time; the records may be stored all the same"
        )
        for topic in response.topics.indices {
            for index in response.topics[topic].partitions.indices {
                response.topics[topic].partitions[index].refuseIfUnanswered(refusal)
            }
        }
        return true
    }

    /// The first partition that was refused.
    var failure: ProduceResponse.Partition? {
        for topic in response.topics {
            for partition in topic.partitions where partition.errorCode != .none {
                return partition
            }
        }
        return nil
    }

    func write(to output: inout ByteWriter) {
        let start = KafkaFrame.begin(&output)
        KafkaResponseHeader(correlationID: correlationID)
            .write(to: &output, api: .produce, version: version)
        response.write(to: &output, version: version)
        KafkaFrame.end(&output, startedAt: start)
    }
}

extension ProduceResponse.Partition {
    fileprivate mutating func refuseIfUnanswered(_ refusal: ProduceRefusal) {
        guard errorCode == .none, baseOffset < .zero else { return }
        refuse(refusal)
    }
}

/// One connection's Produce requests in the order in which they came, which is the order of their
/// answers.
struct ProduceRing {
    private var requests: [PendingProduce] = []
    /// Those before it have been answered.
    private var first = 0

    var count: Int { requests.count &- first }
    var isEmpty: Bool { count == 0 }
    var pending: ArraySlice<PendingProduce> { requests[first...] }

    /// How many at the front can be answered now.
    var completeCount: Int { pending.prefix(while: \.isComplete).count }

    mutating func append(_ request: PendingProduce) { requests.append(request) }

    mutating func removeFirst(_ count: Int) {
        first += count
        guard first > 64, 2 * first > requests.count || first == requests.count else {
            if first == requests.count { removeAll() }
            return
        }
        requests.removeFirst(first)
        first = 0
    }

    mutating func removeAll() {
        requests.removeAll(keepingCapacity: true)
        first = 0
    }
}
