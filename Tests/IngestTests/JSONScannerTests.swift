import BrokerModel
import HeadwaterTesting
import Ingest
import Testing

@Suite struct JSONScannerTests {
    private func value(_ path: String, _ document: [UInt8]) -> [UInt8]? {
        guard let path = JSONPath(path) else { return nil }
        var scratch = ByteWriter()
        return document.withUnsafeBytes {
            JSONScanner.value(at: path, in: $0, scratch: &scratch).map { Array($0) }
        }
    }

    private func value(_ path: String, _ document: String) -> String? {
        value(path, Array(document.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        arguments: [
            ("id", #"{"id":"a"}"#, "a"),
            ("id", #" { "x" : [1,{"id":"no"},[]] , "id" : "a" } "#, "a"),
            ("device.id", #"{"id":1,"device":{"x":{},"id":"q"}}"#, "q"),
            ("id", #"{"id":21.50e+3}"#, "21.50e+3"), ("id", #"{"id":-0}"#, "-0"),
            ("id", #"{"id":true}"#, "true"), ("id", #"{"id":false }"#, "false"),
            ("id", #"{"id":""}"#, ""),
            ("id", #"{"id":"a\"b\\\/\n\u00e9\ud83d\ude00"}"#, "a\"b\\/\n\u{e9}\u{1f600}"),
            ("a.1.b", #"{"a":[{"b":0},{"b":7}]}"#, "7"), ("0", "[5]", "5"), ("0", #"{"0":5}"#, "5"),
            ("id", #"{"i\u0064":"a"}"#, "a"),
            ("id", #"{"id":1,"id":2}"#, "1"),
            ("id", #"{"a":"}","b":"\"","id":"x"}"#, "x"),
            ("id", #"{"id":"x" then nonsense"#, "x"),
            // Nothing there.
            ("id", #"{"id":null}"#, nil), ("id", #"{"id":{}}"#, nil), ("id", #"{"id":[1]}"#, nil),
            ("id", #"{"ID":"a"}"#, nil), ("id", "{}", nil), ("id", "[]", nil), ("id", "", nil),
            ("id", "5", nil), ("a.2", #"{"a":[1,2]}"#, nil), ("a.x", #"{"a":[1,2]}"#, nil),
            ("id.x", #"{"id":"a"}"#, nil),
            // Malformed up to there.
            ("id", #"{"x":01,"id":"a"}"#, nil), ("id", #"{"x":tru,"id":"a"}"#, nil),
            ("id", #"{"x":[1,],"id":"a"}"#, nil), ("id", #"{"x":{"y"},"id":"a"}"#, nil),
            ("id", #"{"x":[},"id":"a"}"#, nil), ("id", #"{"x" 1,"id":"a"}"#, nil),
            ("id", #"{"id":"a"#, nil), ("id", #"{"id":"a\"#, nil), ("id", #"{"id":"\x"}"#, nil),
            ("id", #"{"id":"\ud83d"}"#, nil), ("id", #"{"id":"\ude00"}"#, nil),
            ("id", #"{"id":1x}"#, nil), ("id", #"{"id":-}"#, nil), ("id", #"{"id":1.}"#, nil),
            ("id", #"{,"id":"a"}"#, nil), ("id", "{\"id\":\"a\nb\"}", nil),
        ] as [(String, String, String?)]
    )
    func `a scalar is found, or nothing is`(path: String, document: String, expected: String?) {
        let found = value(path, document)
        #expect(found == expected, "\(document)")
    }

    @Test(arguments: ["", ".", "a.", ".a", "a..b"])
    func `a path without a name is none`(path: String) {
        #expect(JSONPath(path) == nil)
    }

    @Test func `a document is read no further than its limits`() {
        let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(value("id", #"{"x":\#(deep),"id":1}"#) == "1")
        #expect(value("id", #"{"x":[\#(deep)],"id":1}"#) == nil)
        let long = String(repeating: "x", count: 60_000)
        #expect(value("id", #"{"x":"\#(long)","id":1}"#) == "1")
        #expect(value("id", #"{"x":"\#(long)\#(long)","id":1}"#) == nil)
        let digits = String(repeating: "1", count: 70_000)
        #expect(value("id", #"{"id":\#(digits)}"#) == nil)
    }

    // MARK: From seeds

    /// Builds documents, and keeps the text of one scalar of them.
    private struct Maker {
        var random: SeededGenerator
        var path: [String] = []
        var expected: String?

        private mutating func scalar() -> (json: String, text: String?) {
            switch random.below(6) {
            case 0: return ("true", "true")
            case 1: return ("null", nil)
            case 2:
                let number = "\(random.below(1_000)).\(random.below(10))e-\(random.below(9))"
                return (number, number)
            case 3: return (#""\u00e9\"\\\t{]""#, "\u{e9}\"\\\t{]")
            case 4:
                let number = "-\(random.below(99))"
                return (number, number)
            default:
                let text = "plain:\(random.below(99)),"
                return ("\"\(text)\"", text)
            }
        }

        private mutating func space() -> String { random.oneIn(3) ? " \n\t" : "" }

        /// A value; where `isTarget`, the scalar that is asked for lies in it.
        mutating func value(depth: Int, isTarget: Bool) -> String {
            guard depth < 6, !random.oneIn(3) else {
                let made = scalar()
                if isTarget { expected = made.text }
                return space() + made.json + space()
            }
            let count = random.below(5) + (isTarget ? 1 : 0)
            let target = isTarget ? random.below(count) : -1
            let isObject = random.oneIn(2)
            var members: [String] = []
            for index in 0..<count {
                let name = "n\(index)"
                if index == target { path.append(isObject ? name : "\(index)") }
                let member = value(depth: depth + 1, isTarget: index == target)
                members.append(isObject ? space() + "\"\(name)\"\(space()):" + member : member)
            }
            let body = members.joined(separator: ",")
            return space() + (isObject ? "{\(body)}" : "[\(body)]") + space()
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `the scalar of a made-up document is found where it was put`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var found = 0
        for _ in 0..<2_000 {
            var maker = Maker(random: SeededGenerator(seed: random.next()))
            let document = maker.value(depth: 0, isTarget: true)
            guard !maker.path.isEmpty, maker.path.count <= JSONPath.stepsMax else { continue }
            let path = maker.path.joined(separator: ".")
            #expect(value(path, document) == maker.expected, "\(path) in \(document), seed \(seed)")
            found += maker.expected == nil ? 0 : 1
        }
        #expect(found > 300, "seed \(seed)")
    }

    @Test(arguments: [11, 12, 13] as [UInt64])
    func `broken documents give a value or nothing, and end`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let letters = Array(#"{}[]",:\ u0tfn1-e."#.utf8)
        for _ in 0..<3_000 {
            var maker = Maker(random: SeededGenerator(seed: random.next()))
            var document = Array(maker.value(depth: 0, isTarget: true).utf8)
            for _ in 0..<random.below(5) where !document.isEmpty {
                let place = random.below(document.count)
                switch random.below(4) {
                case 0: document[place] = letters[random.below(letters.count)]
                case 1: document.remove(at: place)
                case 2: document.insert(letters[random.below(letters.count)], at: place)
                default: document.removeLast(document.count - place)
                }
            }
            let path = maker.path.isEmpty ? "n0" : maker.path.joined(separator: ".")
            if let found = value(path, document) { #expect(found.count <= document.count) }
        }
        for _ in 0..<20_000 {
            let noise = (0..<random.below(24)).map { _ in letters[random.below(letters.count)] }
            _ = value("n0.1", noise)
        }
    }
}
