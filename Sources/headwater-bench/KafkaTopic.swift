import BrokerModel
import KafkaWire
import Posix

/// A topic as its broker describes it: partitions and the offsets at their ends.
struct KafkaTopic {
    static let metadataVersion: Int16 = 9
    static let listOffsetsVersion: Int16 = 6

    let name: String
    let partitions: [Int32]
    private let socket: LoadSocket

    /// Asks for the topic, which the broker may create by that.
    init(_ name: String, at address: SocketAddress) throws(LoadError) {
        self.name = name
        socket = try LoadSocket(to: address)
        let version = Self.metadataVersion
        let deadline = SystemClock.monotonicNanoseconds + 10_000_000_000
        while true {
            let answer = try socket.askKafka(.metadata, version: version) {
                MetadataRequest(topics: [.init(name: name)]).write(to: &$0, version: version)
            } decode: { reader throws(KafkaWireError) in
                try MetadataResponse(reading: &reader, version: version)
            }
            guard let topic = answer.topics.first else { throw .unexpected("no such topic") }
            if topic.errorCode == .none, !topic.partitions.isEmpty {
                partitions = topic.partitions.map(\.index).sorted()
                return
            }
            // A topic being created has no leader yet.
            guard topic.errorCode == .leaderNotAvailable || topic.errorCode == .none,
                SystemClock.monotonicNanoseconds < deadline
            else { throw .refused("topic \(name): \(topic.errorCode)") }
        }
    }

    /// The offset at one end of each partition.
    func offsets(at place: Timestamp) throws(LoadError) -> [Int32: Offset] {
        let version = Self.listOffsetsVersion
        let request = ListOffsetsRequest(topics: [
            .init(
                name: name,
                partitions: partitions.map { .init(index: $0, timestamp: place) }
            )
        ])
        let answer = try socket.askKafka(.listOffsets, version: version) {
            request.write(to: &$0, version: version)
        } decode: { reader throws(KafkaWireError) in
            try ListOffsetsResponse(reading: &reader, version: version)
        }
        var found: [Int32: Offset] = [:]
        for partition in answer.topics.flatMap(\.partitions) {
            guard partition.errorCode == .none else {
                throw .refused("offsets of \(name)-\(partition.index): \(partition.errorCode)")
            }
            found[partition.index] = partition.offset
        }
        return found
    }
}

/// A request as it goes on the wire, with its length in front.
func kafkaFrame(
    _ api: KafkaAPI,
    version: Int16,
    correlationID: Int32 = 0,
    _ body: (inout ByteWriter) -> Void
) -> ByteWriter {
    var output = ByteWriter()
    let start = KafkaFrame.begin(&output)
    KafkaRequestHeader(
        apiKey: api.rawValue,
        apiVersion: version,
        correlationID: correlationID,
        clientID: "headwater-bench"
    ).write(to: &output)
    body(&output)
    KafkaFrame.end(&output, startedAt: start)
    return output
}

extension LoadSocket {
    /// One request and its answer, blocking.
    func askKafka<Answer>(
        _ api: KafkaAPI,
        version: Int16,
        request: (inout ByteWriter) -> Void,
        decode: (inout ByteReader) throws(KafkaWireError) -> Answer
    ) throws(LoadError) -> Answer {
        let frame = kafkaFrame(api, version: version, request)
        return try ask(frame.bytes) { input throws(LoadError) in
            do throws(KafkaWireError) {
                guard case .whole(let body) = try KafkaFrame.first(in: input, bytesMax: 1 << 26)
                else { return nil }
                var reader = ByteReader(body)
                _ = try KafkaResponseHeader(reading: &reader, api: api, version: version)
                return (try decode(&reader), KafkaFrame.lengthBytes + body.count)
            } catch {
                throw .kafka(error)
            }
        }
    }
}
