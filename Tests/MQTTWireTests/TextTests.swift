import BrokerModel
import MQTTWire
import Testing

@Suite struct TextTests {
    private func isWellFormed(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { $0.isWellFormedText }
    }

    /// The standard library's decoder, plus MQTT's own rule about U+0000 (1.5.4).
    private func oracle(_ bytes: [UInt8]) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil && !bytes.contains(0)
    }

    @Test func `every pair of bytes is judged as the standard library judges it`() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                #expect(isWellFormed([first, second]) == oracle([first, second]))
            }
        }
    }

    @Test func `the edges of three and four byte characters are judged so too`() {
        let edges: [UInt8] = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]
        for lead in UInt8(0xe0)...0xff {
            for second in edges {
                for third in edges {
                    #expect(isWellFormed([lead, second, third]) == oracle([lead, second, third]))
                    for fourth in edges {
                        let bytes = [lead, second, third, fourth]
                        #expect(isWellFormed(bytes) == oracle(bytes))
                    }
                }
            }
        }
    }

    @Test func `U+0000 and surrogates are refused, and U+FEFF is kept`() {
        #expect(!isWellFormed([0x61, 0x00]))
        #expect(!isWellFormed([0xed, 0xa0, 0x80]))
        #expect(!isWellFormed([0xc0, 0x80]))
        #expect(isWellFormed([0xef, 0xbb, 0xbf]))
    }

    @Test func `one bad byte is found wherever it stands`() {
        for length in 1...40 {
            let good = [UInt8](repeating: 0x61, count: length)
            #expect(isWellFormed(good))
            for place in 0..<length {
                for bad: UInt8 in [0, 0x80, 0xff] {
                    var bytes = good
                    bytes[place] = bad
                    #expect(!isWellFormed(bytes))
                }
            }
        }
    }

    @Test func `two spellings of a letter are two texts`() {
        #expect(Text("\u{e9}") != Text("e\u{301}"))
    }
}

@Suite struct TopicFilterTests {
    @Test(arguments: [
        "#", "+", "a", "/", "a/b", "a/+/b", "+/+", "a/#", "/#", "+/#", "//", "$SYS/#", "a b",
        "$share", "$shared/a",
    ])
    func `a filter of 4.7 is taken`(text: String) {
        let filter = TopicFilter(text)
        #expect(filter?.description == text)
        #expect(filter?.pattern == Text(text))
        #expect(filter?.isShared == false)
    }

    @Test(arguments: ["", "a#", "#/a", "a/#/b", "a+", "+a/b", "a/b+", "##", "++", "a/+b"])
    func `a wildcard that shares its level or comes early is refused`(text: String) {
        #expect(TopicFilter(text) == nil)
    }

    @Test func `a shared subscription is split into name and pattern`() {
        let filter = TopicFilter("$share/workers/a/+/b")
        #expect(filter?.shareName == "workers")
        #expect(filter?.pattern == "a/+/b")
        #expect(filter?.text == "$share/workers/a/+/b")
        for wrong in ["$share/", "$share/w", "$share/w/", "$share//a", "$share/w+/a", "$share/#/a"]
        {
            #expect(TopicFilter(wrong) == nil)
        }
    }

    @Test func `a filter with too many levels is refused`() {
        let most = Array(repeating: "a", count: MQTTWireLimits.topicLevelsMax)
        #expect(TopicFilter(most.joined(separator: "/")) != nil)
        #expect(TopicFilter((most + ["a"]).joined(separator: "/")) == nil)
    }
}
