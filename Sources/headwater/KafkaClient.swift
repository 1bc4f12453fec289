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
    /// A signal came while an answer was waited for.
    case interrupted

    var description: String {
        switch self {
        case .unreachable(let error), .socket(let error): "\(error)"
        case .wire(let error): "the broker's answer is not Kafka's protocol: \(error)"
        case .broker(let code, let what): "\(what): \(code)"
        case .closed: "the broker closed the connection"
        case .interrupted: "interrupted"
        }
    }

    /// What to look at.
    var question: String {
        switch self {
        case .unreachable: "is 'headwater serve' running there?"
        case .broker, .interrupted: "what does its log say?"
        case .socket, .wire, .closed:
            "is 'headwater serve' running there, and is this its Kafka port?"
        }
    }
}

/// A blocking Kafka connection for commands: one request at a time, over one socket.
final class KafkaClient {
    private static let answerBytesMax = 64 << 20
    /// How long an answer may be silent before somebody looks whether we are to stop.
    private static let patience = Duration.milliseconds(100)

    private let socket: ClientSocket
    private let interruption: Interruption?
    private var output = ByteWriter(capacity: 512)
    private var input = ByteWriter(capacity: 64 << 10)
    private var lastCorrelationID: Int32 = 0

    /// With an `interruption`, waiting for an answer ends where that comes.
    init(to address: SocketAddress, until interruption: Interruption? = nil)
        throws(KafkaClientError)
    {
        self.interruption = interruption
        do throws(PosixError) {
            socket = try ClientSocket(to: address)
        } catch {
            throw .unreachable(error)
        }
    }

    /// Sends a request and lends the body of its response to `read`.
    func exchange<Response>(
        _ api: KafkaAPI,
        _ version: Int16,
        timeout: Duration = .seconds(30),
        _ write: (inout ByteWriter, Int16) -> Void,
        _ read: (inout ByteReader, Int16) throws(KafkaWireError) -> Response
    ) throws(KafkaClientError) -> Response {
        try send(api, version, write)
        let body = try receive(timeout)
        do throws(KafkaWireError) {
            var reader = ByteReader(body)
            _ = try KafkaResponseHeader(reading: &reader, api: api, version: version)
            return try read(&reader, version)
        } catch {
            throw .wire(error)
        }
    }

    /// Sends a request that has no answer, such as a Produce with `acks=0`.
    func send(
        _ api: KafkaAPI,
        _ version: Int16,
        _ write: (inout ByteWriter, Int16) -> Void
    ) throws(KafkaClientError) {
        lastCorrelationID &+= 1
        output.removeAll()
        let start = KafkaFrame.begin(&output)
        KafkaRequestHeader(
            apiKey: api.rawValue,
            apiVersion: version,
            correlationID: lastCorrelationID,
            clientID: "headwater"
        ).write(to: &output)
        write(&output, version)
        KafkaFrame.end(&output, startedAt: start)
        do throws(PosixError) {
            try socket.write(output.bytes)
        } catch {
            throw .socket(error)
        }
    }

    /// Waits between two attempts.
    func pause(_ time: Duration) throws(KafkaClientError) {
        if (interruption ?? Interruption()).hasCome(within: time) { throw .interrupted }
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
            try readMore(max(needed - before, 4_096), timeout)
            guard input.count > before else { throw .closed }
        }
    }

    private func readMore(_ room: Int, _ timeout: Duration) throws(KafkaClientError) {
        let slice = interruption == nil ? timeout : min(timeout, Self.patience)
        var waited = Duration.zero
        while true {
            do throws(PosixError) {
                return try input.writeUpTo(room) { room throws(PosixError) in
                    try socket.read(into: room, timeout: slice)
                }
            } catch {
                waited += slice
                guard error.code == ErrorCode.timedOut, waited < timeout else {
                    throw .socket(error)
                }
                if interruption?.hasCome() == true { throw .interrupted }
            }
        }
    }
}
