import BrokerConfiguration
import Foundation

/// A configuration file's text. The one place of `serve` that uses Foundation: a broker without
/// such a file never touches it, and its pages stay out of memory.
struct ConfigurationFile {
    let text: String

    init(path: String) throws(ConfigurationError) {
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw .unreadableFile(path: path, reason: Self.reason(error, path: path))
        }
    }

    private static func reason(_ error: any Error, path: String) -> String {
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
