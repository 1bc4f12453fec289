import BrokerModel
import KafkaWire
import Posix

/// Why a command's Kafka connection failed.
enum KafkaClientError: Error, CustomStringConvertible {
    case unreachable(PosixError)
    case socket(PosixError)
    case wire(KafkaWireError)
    case broker(KafkaErrorCode, String)
    case closed

    var description: String {
        switch self {
        case .unreachable(let error), .socket(let error): "\(error)"
        case .wire(let error): "the broker's answer is not Kafka's protocol: \(error)"
        case .broker(let code, let what): "\(what): \(code)"
        case .closed: "the broker closed the connection"
        }
    }

    /// What to look at.
    var question: String {
        switch self {
        case .unreachable: "is 'headwater serve' running there?"
        case .broker: "what does its log say?"
        case .socket, .wire, .closed:
            "is 'headwater serve' running there, and is this its Kafka port?"
        }
    }
}

/// A blocking Kafka connection for commands: one request at a time, over one socket.
final class KafkaClient {
    private static let answerBytesMax = 64 << 20

    private let socket: ClientSocket
    private var output = ByteWriter(capacity: 512)
    private var input = ByteWriter(capacity: 64 << 10)
    private var lastCorrelationID: Int32 = 0

    init(to address: SocketAddress) throws(KafkaClientError) {
        do throws(PosixError) {
            socket = try ClientSocket(to: address)
        } catch {
            throw .unreachable(error)
        }
    }

    /// Sends a request and lends the body of its response to `decode`.
    func exchange<Response>(
        _ api: KafkaAPI,
        version: Int16,
        timeout: Duration = .seconds(30),
        request: (inout ByteWriter) -> Void,
        decode: (inout ByteReader) throws(KafkaWireError) -> Response
    ) throws(KafkaClientError) -> Response {
        lastCorrelationID &+= 1
        output.removeAll()
        let start = KafkaFrame.begin(&output)
        KafkaRequestHeader(
            apiKey: api.rawValue,
            apiVersion: version,
            correlationID: lastCorrelationID,
            clientID: "headwater"
        ).write(to: &output)
        request(&output)
        KafkaFrame.end(&output, startedAt: start)
        do throws(PosixError) {
            try socket.write(output.bytes)
        } catch {
            throw .socket(error)
        }
        let body = try receive(timeout)
        do throws(KafkaWireError) {
            var reader = ByteReader(body)
            _ = try KafkaResponseHeader(reading: &reader, api: api, version: version)
            return try decode(&reader)
        } catch {
            throw .wire(error)
        }
    }

    /// The next frame's body, valid until the next exchange.
    private func receive(_ timeout: Duration) throws(KafkaClientError) -> UnsafeRawBufferPointer {
        input.removeAll()
        while true {
            let needed: Int
            do throws(KafkaWireError) {
                switch try KafkaFrame.first(in: input.bytes, bytesMax: Self.answerBytesMax) {
                case .whole(let body): return body
                case .incomplete(let bytesNeeded): needed = bytesNeeded
                }
            } catch {
                throw .wire(error)
            }
            let before = input.count
            do throws(PosixError) {
                try input.writeUpTo(max(needed - before, 4_096)) { room throws(PosixError) in
                    try socket.read(into: room, timeout: timeout)
                }
            } catch {
                throw .socket(error)
            }
            guard input.count > before else { throw .closed }
        }
    }
}
