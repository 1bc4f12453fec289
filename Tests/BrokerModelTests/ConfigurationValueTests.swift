import BrokerModel
import Testing

@Suite struct ConfigurationValueTests {
    @Test(arguments: [
        ("1KiB", 1_024), ("64MiB", 67_108_864), ("0", 0), ("1000", 1_000), ("3GiB", 3 << 30),
    ])
    func `a size reads back from its text`(text: String, bytes: Int) throws {
        let size = try #require(ByteCount(configurationText: text))
        #expect(size.rawValue == bytes)
        #expect(size.configurationText == text)
    }

    @Test(arguments: ["500us", "20ms", "5s", "10min", "12h", "7d"])
    func `a duration reads back from its text`(text: String) throws {
        #expect(try #require(Duration(configurationText: text)).configurationText == text)
    }

    @Test(arguments: ["", "5", "s", "1.5s", "9999999999999999d", "5 s"])
    func `what is no duration is refused`(text: String) {
        #expect(Duration(configurationText: text) == nil)
    }

    private struct Settings: Sendable {
        var linger = Duration.milliseconds(5)
    }

    private struct Whole: Sendable {
        var part = Settings()
    }

    @Test func `a key fills its part of larger settings and refuses what is out of range`() {
        let key = ConfigurationKey<Settings>(
            "linger",
            \.linger,
            of: Settings(),
            in: .zero ... .seconds(1),
            "How long to wait."
        )
        #expect(key.defaultText == "5ms" && key.allowedText == "0us ... 1s")
        var whole = Whole()
        #expect(key.inside(\Whole.part).apply("20ms", to: &whole))
        #expect(!key.inside(\Whole.part).apply("2s", to: &whole))
        #expect(whole.part.linger == .milliseconds(20))
    }
}
