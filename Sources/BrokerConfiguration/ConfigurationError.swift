/// Why the configuration can't be used, and where the operator wrote it.
package enum ConfigurationError: Error, Equatable, CustomStringConvertible {
    case unreadableFile(path: String, reason: String)
    case notYAML(place: String, reason: String)
    case unknownKey(place: String, key: String, nearest: String?)
    case repeatedKey(place: String, key: String)
    case notAScalar(place: String, key: String)
    case notAList(place: String, key: String)
    case notAMap(place: String, key: String)
    case tooManyRows(place: String, key: String, most: Int)
    case noValue(place: String, key: String)
    case badValue(place: String, key: String, value: String, allowed: String)
    /// The value is well-formed, and wrong beside the others of its row.
    case refused(place: String, key: String, why: String)
    case notAnAssignment(place: String, text: String)

    package var description: String {
        switch self {
        case .unreadableFile(let path, let reason):
            "\(path): \(reason); name a readable YAML file"
        case .notYAML(let place, let reason):
            "\(place): this is not YAML: \(reason)"
        case .unknownKey(let place, let key, let nearest?):
            "\(place): there is no key '\(key)'; did you mean '\(nearest)'?"
        case .unknownKey(let place, let key, nil):
            "\(place): there is no key '\(key)'; 'headwater config describe' lists all keys"
        case .repeatedKey(let place, let key):
            "\(place): '\(key)' is set twice; remove one of the two"
        case .notAScalar(let place, let key):
            "\(place): '\(key)' takes one value, not a list"
        case .notAList(let place, let key):
            "\(place): '\(key)' takes a list of maps, in a file: each begins with '- '"
        case .notAMap(let place, let key):
            "\(place): an entry of '\(key)' is a map: '- ' and then lines of 'key: value'"
        case .tooManyRows(let place, let key, let most):
            "\(place): '\(key)' has more than \(most) entries; remove some"
        case .noValue(let place, let key):
            "\(place): '\(key)' has no value; write one behind it, or remove the line"
        case .badValue(let place, let key, let value, let allowed):
            "\(place): '\(value)' is no value for '\(key)'; \(Self.advice(allowed))"
        case .refused(let place, let key, let why):
            "\(place): '\(key)' \(why)"
        case .notAnAssignment(let place, let text):
            "\(place): '\(text)' is not of the form KEY=VALUE"
        }
    }

    /// A range or a choice can't be written as it stands; a form such as HOST:PORT can.
    private static func advice(_ allowed: String) -> String {
        let isRange = allowed.contains(" ... ") || allowed.contains(" | ")
        let units = allowed.contains("iB") ? ", in KiB, MiB or GiB" : ""
        return (isRange ? "allowed: \(allowed)" : "write \(allowed)") + units
    }
}
