import BrokerModel
import KafkaWire
import Posix
import Testing

/// A Kafka client of a few lines, over a blocking socket.
final class TestClient {
    private let socket: ClientSocket
    private var lastCorrelationID: Int32 = 0

    init(to address: SocketAddress, receiveBufferBytes: Int = 0) throws {
        socket = try ClientSocket(
            to: address,
            timeout: testDeadline,
            receiveBufferBytes: receiveBufferBytes
        )
    }

    func write(_ bytes: [UInt8]) throws { try socket.write(bytes) }

    /// Sends a request and says which number it has.
    @discardableResult
    func send(
        _ api: KafkaAPI,
        _ version: Int16,
        _ body: (inout ByteWriter) -> Void
    ) throws -> Int32 {
        lastCorrelationID += 1
        var output = ByteWriter()
        let start = KafkaFrame.begin(&output)
        KafkaRequestHeader(
            apiKey: api.rawValue,
            apiVersion: version,
            correlationID: lastCorrelationID,
            clientID: "test"
        ).write(to: &output)
        body(&output)
        KafkaFrame.end(&output, startedAt: start)
        try socket.write(output.bytes)
        return lastCorrelationID
    }

    /// The next response, from its correlation id on; nil at the peer's end.
    func receive() throws -> [UInt8]? {
        guard let length = try read(4) else { return nil }
        let count = length.reduce(0) { $0 << 8 | Int($1) }
        let body: [UInt8] = try #require(try read(count))
        return body
    }

    /// Reads the answer to the request `correlationID`.
    func receive<Response>(
        _ api: KafkaAPI,
        _ version: Int16,
        _ correlationID: Int32,
        _ read: (inout ByteReader) throws -> Response
    ) throws -> Response {
        let frame = try #require(try receive())
        return try frame.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            let header = try KafkaResponseHeader(reading: &reader, api: api, version: version)
            #expect(header.correlationID == correlationID)
            let response = try read(&reader)
            #expect(reader.isAtEnd)
            return response
        }
    }

    /// True when the peer has closed, after nothing more.
    func isAtEnd() throws -> Bool { try receive() == nil }

    func metadata(_ request: MetadataRequest, _ version: Int16) throws -> MetadataResponse {
        let id = try send(.metadata, version) { request.write(to: &$0, version: version) }
        return try receive(.metadata, version, id) {
            try MetadataResponse(reading: &$0, version: version)
        }
    }

    /// Asks for one place in one partition.
    func listOffsets(
        _ timestamp: Timestamp,
        topic: String = "t",
        partition: Int32 = 0,
        epoch: LeaderEpoch = .none,
        version: Int16 = 11
    ) throws -> ListOffsetsResponse.Partition {
        let wanted = ListOffsetsRequest.Partition(
            index: partition,
            timestamp: timestamp,
            currentLeaderEpoch: epoch
        )
        let request = ListOffsetsRequest(topics: [.init(name: topic, partitions: [wanted])])
        let id = try send(.listOffsets, version) { request.write(to: &$0, version: version) }
        let response = try receive(.listOffsets, version, id) {
            try ListOffsetsResponse(reading: &$0, version: version)
        }
        return try #require(response.topics.first?.partitions.first)
    }

    func fetch(_ request: FetchRequest, _ version: Int16) throws -> Fetched {
        let id = try send(.fetch, version) { request.write(to: &$0, version: version) }
        return try receiveFetch(version, id)
    }

    func receiveFetch(_ version: Int16, _ id: Int32) throws -> Fetched {
        try receive(.fetch, version, id) { reader in
            Fetched(try FetchResponse(reading: &reader, version: version))
        }
    }

    private func read(_ count: Int) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let next = try socket.read(max: count - bytes.count, timeout: testDeadline)
            guard !next.isEmpty else {
                #expect(bytes.isEmpty, "the peer ended inside a frame")
                return nil
            }
            bytes += next
        }
        return bytes
    }
}

/// A Fetch response whose records have been copied out of the frame.
struct Fetched {
    struct Partition {
        let head: FetchResponse.PartitionHead
        let records: [UInt8]?
    }

    let errorCode: KafkaErrorCode
    let sessionID: Int32
    let partitions: [Partition]
    let endpoints: [NodeEndpoint]

    init(_ response: FetchResponse) {
        errorCode = response.errorCode
        sessionID = response.sessionID
        endpoints = response.endpoints
        partitions = response.topics.flatMap(\.partitions).map {
            Partition(head: $0.head, records: $0.records.map { [UInt8]($0) })
        }
    }

    var only: Partition {
        get throws { try #require(partitions.count == 1 ? partitions.first : nil) }
    }
}

extension FetchRequest {
    /// Partition 0 of `topic`, answered at once with what is there.
    static func now(
        _ topic: String = "t",
        id: UUIDBytes = .zero,
        from offset: Int64 = 0,
        bytesMax: Int32 = 1 << 20
    ) -> FetchRequest {
        let partition = Partition(index: 0, fetchOffset: Offset(offset), bytesMax: bytesMax)
        return FetchRequest(
            topics: [Topic(name: topic, id: id, partitions: [partition])],
            waitMillisecondsMax: 0,
            bytesMin: 1
        )
    }

    /// The same, but waiting for `bytesMin` bytes.
    func waiting(milliseconds: Int32, bytesMin: Int32 = 1) -> FetchRequest {
        var request = self
        request.waitMillisecondsMax = milliseconds
        request.bytesMin = bytesMin
        return request
    }
}
