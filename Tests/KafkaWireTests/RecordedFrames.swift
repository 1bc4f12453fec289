import BrokerModel
import Foundation
import KafkaWire

/// Requests and responses between stock clients and a real Kafka, recorded beside the project.
/// Where that folder is absent the tests that need it say so and are skipped.
struct RecordedPair: Sendable {
    let place: String
    let api: KafkaAPI
    let version: Int16
    let request: [UInt8]
    let response: [UInt8]?

    static let note: String =
        "kafka-frames is neither in HEADWATER_SHARED nor in ../shared: recorded frames untested"

    static let all: [RecordedPair] = ["confluent", "java39", "java43", "kafka-python", "kcat"]
        .flatMap(load)

    private struct Line: Decodable {
        let apiKey: Int16
        let apiVersion: Int16
        let request: String
        let response: String?
    }

    private static func load(_ client: String) -> [RecordedPair] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let file = folder.appendingPathComponent(client + ".ndjson")
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").enumerated().compactMap { number, line in
            guard let pair = try? decoder.decode(Line.self, from: Data(line.utf8)),
                let api = KafkaAPI(rawValue: pair.apiKey)
            else { return nil }
            return RecordedPair(
                place: "\(client).ndjson:\(number + 1)",
                api: api,
                version: pair.apiVersion,
                request: hex(pair.request),
                response: pair.response.map(hex)
            )
        }
    }

    private static var folder: URL {
        let given = ProcessInfo.processInfo.environment["HEADWATER_SHARED"]
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let shared =
            given.map { URL(fileURLWithPath: $0) }
            ?? root.deletingLastPathComponent().appendingPathComponent("shared")
        return shared.appendingPathComponent("kafka-frames")
    }
}

/// Reads a request or response with its header and writes it again.
enum Exchange {
    static func request(_ input: UnsafeRawBufferPointer) throws(KafkaWireError) -> Rewritten {
        var reader = ByteReader(input)
        let header = try KafkaRequestHeader(reading: &reader)
        guard let api = header.api else { throw .unknownAPI(header.apiKey) }
        var output = ByteWriter()
        header.write(to: &output)
        try copy(api.requestType, header.apiVersion, &reader, &output)
        return Rewritten(unread: reader.remaining, bytes: [UInt8](output.bytes))
    }

    static func response(
        _ input: UnsafeRawBufferPointer,
        _ api: KafkaAPI,
        _ version: Int16
    ) throws(KafkaWireError) -> Rewritten {
        var reader = ByteReader(input)
        let header = try KafkaResponseHeader(reading: &reader, api: api, version: version)
        var output = ByteWriter()
        header.write(to: &output, api: api, version: version)
        try copy(api.responseType, version, &reader, &output)
        return Rewritten(unread: reader.remaining, bytes: [UInt8](output.bytes))
    }

    /// Only the body, which may be written at another version than it was read at.
    static func body(
        _ type: any WireBody.Type,
        _ input: UnsafeRawBufferPointer,
        _ version: Int16,
        writtenAt target: Int16
    ) throws(KafkaWireError) -> Rewritten {
        var reader = ByteReader(input)
        var output = ByteWriter()
        try type.init(reading: &reader, version: version).write(to: &output, version: target)
        return Rewritten(unread: reader.remaining, bytes: [UInt8](output.bytes))
    }

    private static func copy(
        _ type: any WireBody.Type,
        _ version: Int16,
        _ reader: inout ByteReader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) {
        try type.init(reading: &reader, version: version).write(to: &output, version: version)
    }

    struct Rewritten {
        let unread: Int
        let bytes: [UInt8]
    }
}
