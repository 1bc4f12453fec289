import ArgumentParser
import BrokerModel

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show what can be configured, and check a file.",
        subcommands: [Describe.self, Check.self]
    )

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether a configuration file is right, without starting a broker.",
            discussion: """
                Prints 'ok', or the first mistake with file, line and column.

                EXAMPLES
                  headwater config check /etc/headwater.yaml

                EXIT CODES
                  0   the file is right
                  78  it is not
                """
        )

        @Argument(help: ArgumentHelp("The YAML file.", valueName: "FILE"))
        var file: String

        func run() throws {
            try exitingOnFailure {
                try ConfigurationFile(path: file).check()
                print("ok")
            }
        }
    }

    struct Describe: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every key with its default, range and meaning.",
            discussion: """
                EXAMPLES
                  headwater config describe
                  headwater config describe --markdown > docs/CONFIGURATION.md
                """
        )

        @Flag(help: "Print the manual page instead of plain lines.")
        var markdown = false

        func run() {
            markdown ? printMarkdown() : printPlain()
        }

        private static let units = """
            Sizes take a unit, or are bytes: 64KiB, 16MiB, 1GiB. Durations always take one: 500us,
            20ms, 5s, 10min, 12h, 7d.
            """

        private func printPlain() {
            print(Self.units + "\n")
            for key in BrokerSettings.keys {
                print("\(key.name) = \(key.defaultText)")
                print("    \(key.sentence) Allowed: \(key.allowedText).")
            }
            for table in BrokerSettings.tables {
                print("\n\(table.name), a list of maps, in a file only. \(table.sentence)")
                for column in table.columns {
                    print("  \(column.name) = \(column.defaultText)")
                    print("      \(column.sentence) Allowed: \(column.allowedText).")
                }
            }
        }

        private func printMarkdown() {
            print(
                """
                # Configuration

                Written by `headwater config describe --markdown`; do not edit.

                Keys come from a YAML file (`serve --config FILE`, dotted or nested), from the
                environment (`log.segment.bytes` is `HEADWATER_LOG_SEGMENT_BYTES`) and from flags
                (`--set log.segment.bytes=64MiB`). Later ones win. An unknown key is an error.

                \(Self.units)

                | key | default | allowed | meaning |
                |---|---|---|---|
                """
            )
            for key in BrokerSettings.keys {
                let fields = [key.name, key.defaultText, key.allowedText].map(Self.cell)
                print("| \(fields.joined(separator: " | ")) | \(key.sentence) |")
            }
            BrokerSettings.tables.forEach(printMarkdown)
        }

        private func printMarkdown(_ table: ConfigurationTable<BrokerSettings>) {
            print(
                """

                ## `\(table.name)`

                A list of maps, in a file only. \(table.sentence)

                | key | default | allowed | meaning |
                |---|---|---|---|
                """
            )
            for column in table.columns {
                let fields = [column.name, column.defaultText, column.allowedText].map(Self.cell)
                print("| \(fields.joined(separator: " | ")) | \(column.sentence) |")
            }
        }

        /// Code, with the table's own bars kept out of it.
        private static func cell(_ text: String) -> String {
            guard !text.isEmpty else { return "empty" }
            return "`" + text.split(separator: "|").joined(separator: "` \\| `") + "`"
        }
    }
}
