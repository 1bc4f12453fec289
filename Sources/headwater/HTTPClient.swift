import Posix

/// Why an HTTP request of ours got no usable answer.
enum HTTPClientError: Error, CustomStringConvertible {
    case socket(PosixError)
    case notHTTP
    case tooLong
    case status(Int)

    var description: String {
        switch self {
        case .socket(let error): "\(error)"
        case .notHTTP: "the answer is not HTTP"
        case .tooLong: "the answer is too long"
        case .status(let code): "the answer has HTTP status \(code)"
        }
    }
}

/// One blocking GET to our own admin server, which always sends a length or closes.
enum HTTPClient {
    private static let answerBytesMax = 16 << 20
    private static let timeout = Duration.seconds(10)

    static func get(
        _ path: String,
        at address: SocketAddress,
        host: String
    ) throws(HTTPClientError) -> [UInt8] {
        var answer: [UInt8] = []
        do throws(PosixError) {
            let socket = try ClientSocket(to: address, timeout: timeout)
            let request = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
            try socket.write(Array(request.utf8))
            while answer.count <= answerBytesMax {
                let piece = try socket.read(max: 64 << 10, timeout: timeout)
                if piece.isEmpty { break }
                answer += piece
            }
        } catch {
            throw .socket(error)
        }
        guard answer.count <= answerBytesMax else { throw .tooLong }
        return try body(of: answer)
    }

    private static func body(of answer: [UInt8]) throws(HTTPClientError) -> [UInt8] {
        let blank = Array("\r\n\r\n".utf8)
        guard let end = answer.firstRange(of: blank) else { throw .notHTTP }
        let head = String(decoding: answer[..<end.lowerBound], as: UTF8.self)
        let words = head.prefix { $0 != "\r\n" }.split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let code = Int(words[1]) else {
            throw .notHTTP
        }
        guard code == 200 else { throw .status(code) }
        return Array(answer[end.upperBound...])
    }
}
