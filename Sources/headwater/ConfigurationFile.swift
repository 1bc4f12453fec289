import BrokerConfiguration
import Foundation

/// The operator's YAML file. The one place of `serve` that uses Foundation: a broker without such a
/// file never touches it, and its pages stay out of memory.
struct ConfigurationFile {
    let path: String

    /// A reader that knows every key, with nothing read yet.
    static var reader: ConfigurationReader<BrokerSettings> {
        ConfigurationReader(
            BrokerSettings(),
            keys: BrokerSettings.keys,
            tables: BrokerSettings.tables
        )
    }

    func read(
        into reader: inout ConfigurationReader<BrokerSettings>
    ) throws(ConfigurationError) {
        try reader.read(yaml: try contents(), path: path)
    }

    /// Reads the file, and nothing else, and checks all that can be checked without starting.
    func check() throws {
        var reader = Self.reader
        do throws(ConfigurationError) {
            try read(into: &reader)
        } catch {
            throw Failure.configuration("\(error)")
        }
        try reader.settings.check()
    }

    private func contents() throws(ConfigurationError) -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw .unreadableFile(path: path, reason: reason(error))
        }
    }

    private func reason(_ error: any Error) -> String {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue
        {
            return "is a folder"
        }
        return switch (error as? CocoaError)?.code {
        case .fileReadNoSuchFile, .fileNoSuchFile: "no such file"
        case .fileReadNoPermission: "permission denied"
        case .fileReadInapplicableStringEncoding, .fileReadCorruptFile: "is not UTF-8 text"
        default: "can't be read"
        }
    }
}
