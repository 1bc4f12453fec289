import BrokerConfiguration
import BrokerModel
import Testing

private struct Row: Sendable, Equatable {
    var name: String?
    var count = 1
    var labels: [String] = []
}

private struct Settings: Sendable, Equatable {
    var rows = [Row(name: "default")]
    var linger = Duration.milliseconds(5)
}

@Suite struct ConfigurationTableTests {
    private func reader() -> ConfigurationReader<Settings> {
        let labels = ConfigurationNamedValues<Row>("labels", allowed: "a word", "Words.") {
            guard !$1.contains(" ") else { return false }
            $2.labels.append("\($0)=\($1)")
            return true
        }
        let table = ConfigurationTable<Settings>(
            "rows",
            \.rows,
            blank: Row(),
            keys: [
                .init("name", \.name, of: Row(), allowed: "a name", "What it is called."),
                .init("limits.count", \.count, of: Row(), in: 1...9, "How many."),
            ],
            named: [labels],
            rowsMax: 3,
            "Rows."
        ) { row throws(ConfigurationRowProblem) in
            guard row.name != nil else { throw ConfigurationRowProblem("name", "is missing") }
            return row
        }
        let linger = ConfigurationKey<Settings>(
            "commit.linger",
            \.linger,
            of: Settings(),
            in: .zero ... .seconds(1),
            "Wait."
        )
        return ConfigurationReader(Settings(), keys: [linger], tables: [table])
    }

    @Test(arguments: [
        "rows:\n- name: a\n  limits:\n    count: 2\n  labels: {x: 1, y.z: 2}\n- name: b\n",
        "rows: [{name: a, limits.count: 2, labels.x: 1, labels: {y.z: 2}}, {name: b}]\n",
    ])
    func `a list of maps fills rows in its order`(text: String) throws {
        var reader = reader()
        try reader.read(yaml: text, path: "a.yaml")
        #expect(
            reader.settings.rows == [
                Row(name: "a", count: 2, labels: ["x=1", "y.z=2"]), Row(name: "b"),
            ]
        )
        #expect(reader.places["rows"] == "a.yaml:1:1")
    }

    @Test func `an empty list is no rows`() throws {
        var reader = reader()
        try reader.read(yaml: "rows: []\n", path: "a.yaml")
        #expect(reader.settings.rows.isEmpty)
    }

    @Test(arguments: [
        (
            "nam: b",
            ConfigurationError.unknownKey(
                place: "a.yaml:4:5",
                key: "rows.nam",
                nearest: "rows.name"
            )
        ),
        (
            "limits: {count: 12}",
            .badValue(
                place: "a.yaml:4:14",
                key: "rows.limits.count",
                value: "12",
                allowed: "1 ... 9"
            )
        ),
        (
            "labels.x: a b",
            .badValue(
                place: "a.yaml:4:5",
                key: "rows.labels.x",
                value: "a b",
                allowed: "a word"
            )
        ),
        (
            "limits.count: 3",
            .refused(
                place: "a.yaml:4:5",
                key: "rows.name",
                why: "is missing"
            )
        ),
        ("name: [b]", .notAScalar(place: "a.yaml:4:5", key: "rows.name")),
        ("name: ", .noValue(place: "a.yaml:4:5", key: "name")),
        ("just words", .notAMap(place: "a.yaml:4:5", key: "rows")),
        (
            "limits.count: 2\n    limits: {count: 3}",
            .repeatedKey(
                place: "a.yaml:5:14",
                key: "limits.count"
            )
        ),
    ])
    func `a mistake in a row names its place, and nothing is taken over`(
        line: String,
        expected: ConfigurationError
    ) {
        var reader = reader()
        #expect(throws: expected) {
            try reader.read(
                yaml: "commit.linger: 7ms\nrows:\n  - name: a\n  - \(line)\n",
                path: "a.yaml"
            )
        }
        #expect(reader.settings == Settings())
    }

    @Test func `a table is a list, comes from a file, and has an end`() {
        var reader = reader()
        #expect(throws: ConfigurationError.notAList(place: "a.yaml:1:1", key: "rows")) {
            try reader.read(yaml: "rows: 5\n", path: "a.yaml")
        }
        #expect(throws: ConfigurationError.notAList(place: "--set rows", key: "rows")) {
            try reader.read(flag: "rows=5")
        }
        #expect(
            throws: ConfigurationError.unknownKey(
                place: "a.yaml:1:1",
                key: "row",
                nearest: "rows"
            )
        ) { try reader.read(yaml: "row: [{name: a}]\n", path: "a.yaml") }
        let many = String(repeating: "- {name: a}\n", count: 4)
        #expect(
            throws: ConfigurationError.tooManyRows(place: "a.yaml:5:3", key: "rows", most: 3)
        ) { try reader.read(yaml: "rows:\n" + many, path: "a.yaml") }
    }
}
