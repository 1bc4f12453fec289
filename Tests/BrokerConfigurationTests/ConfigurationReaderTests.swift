import BrokerConfiguration
import BrokerModel
import Testing

private struct Settings: Sendable, Equatable {
    var segmentBytes = ByteCount.mebibytes(64)
    var linger = Duration.milliseconds(5)
    var listener = "127.0.0.1:1883"
}

@Suite struct ConfigurationReaderTests {
    private func reader() -> ConfigurationReader<Settings> {
        let defaults = Settings()
        return ConfigurationReader(
            defaults,
            keys: [
                .init(
                    "log.segment.bytes",
                    \.segmentBytes,
                    of: defaults,
                    in: .kibibytes(1) ... .gibibytes(1),
                    "When a segment rolls."
                ),
                .init("commit.linger", \.linger, of: defaults, in: .zero ... .seconds(1), "Wait."),
                .init("mqtt.listener", \.listener, of: defaults, allowed: "HOST:PORT", "Where."),
            ]
        )
    }

    @Test func `nested maps and dotted keys mean the same`() throws {
        var nested = reader()
        try nested.read(yaml: "log:\n  segment:\n    bytes: 1MiB\n", path: "a.yaml")
        var dotted = reader()
        try dotted.read(yaml: "log.segment.bytes: 1MiB # comment\n", path: "a.yaml")
        #expect(nested.settings == dotted.settings)
        #expect(nested.settings.segmentBytes == .mebibytes(1))
    }

    @Test func `an unknown key names line, column and the nearest real key`() {
        var reader = reader()
        #expect(
            throws: ConfigurationError.unknownKey(
                place: "a.yaml:2:3",
                key: "log.segment.byte",
                nearest: "log.segment.bytes"
            )
        ) { try reader.read(yaml: "log:\n  segment.byte: 1MiB\n", path: "a.yaml") }
    }

    @Test func `a value out of range names what is allowed`() {
        var reader = reader()
        #expect(
            throws: ConfigurationError.badValue(
                place: "--set commit.linger",
                key: "commit.linger",
                value: "2s",
                allowed: "0us ... 1s"
            )
        ) { try reader.read(flag: "commit.linger=2s") }
        #expect(reader.settings == Settings())
    }

    @Test func `a later source wins and its place is remembered`() throws {
        var reader = reader()
        try reader.read(yaml: "commit.linger: 1ms", path: "a.yaml")
        let unknown = try reader.read(
            environment: ["HEADWATER_COMMIT_LINGER": "2ms", "HEADWATER_OTHER": "x", "HOME": "/"])
        #expect(unknown == ["HEADWATER_OTHER"])
        try reader.read(flag: "commit.linger=3ms")
        #expect(reader.settings.linger == .milliseconds(3))
        #expect(reader.places == ["commit.linger": "--set commit.linger"])
    }

    @Test(arguments: ["log: [", "- a\n- b\n", "just words", "log:\n\tx: 1"])
    func `what is no YAML map is refused with its place`(text: String) {
        var reader = reader()
        #expect(throws: ConfigurationError.self) { try reader.read(yaml: text, path: "a.yaml") }
    }

    @Test(arguments: [
        ("log: [", "a.yaml:2:1: "), ("log:\n\tx: 1", "a.yaml:2:1: "),
        ("x: 1\nlog: \u{1}\n", "a.yaml:2:6: "), ("x: 1\nx: 2\n", "a.yaml:"),
    ])
    func `broken YAML makes one line that begins with its place`(text: String, place: String) {
        var reader = reader()
        #expect {
            try reader.read(yaml: text, path: "a.yaml")
        } throws: { error in
            "\(error)".hasPrefix(place) && !"\(error)".contains("\n")
        }
    }

    @Test func `a value without the right form is told that form`() {
        let range = ConfigurationError.badValue(
            place: "-",
            key: "k",
            value: "v",
            allowed: "1 ... 2"
        )
        let form = ConfigurationError.badValue(
            place: "-",
            key: "k",
            value: "v",
            allowed: "HOST:PORT"
        )
        #expect(range.description == "-: 'v' is no value for 'k'; allowed: 1 ... 2")
        #expect(form.description == "-: 'v' is no value for 'k'; write HOST:PORT")
    }

    @Test(arguments: [
        "mqtt.listener: [1, 2]", "log.segment.bytes: 1MiB\nlog: {segment.bytes: 2MiB}",
    ])
    func `a list or a key set twice is refused`(text: String) {
        var reader = reader()
        #expect(throws: ConfigurationError.self) { try reader.read(yaml: text, path: "a.yaml") }
    }

    @Test(arguments: ["mqtt.listener:\n", "mqtt.listener: ~\n", "mqtt:\n  listener: null\n"])
    func `a key without a value is refused by its name`(text: String) {
        var reader = reader()
        #expect {
            try reader.read(yaml: text, path: "a.yaml")
        } throws: { error in
            guard case ConfigurationError.noValue(_, "mqtt.listener") = error else { return false }
            return true
        }
        #expect(reader.settings == Settings())
    }

    @Test func `an empty text in quotes is a value`() throws {
        var reader = reader()
        try reader.read(yaml: "mqtt.listener: ''\n", path: "a.yaml")
        #expect(reader.settings.listener.isEmpty)
    }

    @Test(arguments: ["", "# nothing\n", "---\n"])
    func `an empty file sets nothing`(text: String) throws {
        var reader = reader()
        try reader.read(yaml: text, path: "a.yaml")
        #expect(reader.settings == Settings())
    }

    @Test func `a flag without a value is refused`() {
        var reader = reader()
        #expect(throws: ConfigurationError.notAnAssignment(place: "--set", text: "x")) {
            try reader.read(flag: "x")
        }
    }
}
