/// Why the configuration can't be used, and where the operator wrote it.
package enum ConfigurationError: Error, Equatable, CustomStringConvertible {
    case unreadableFile(path: String, reason: String)
    case notYAML(place: String, reason: String)
    case unknownKey(place: String, key: String, nearest: String?)
    case repeatedKey(place: String, key: String)
    case notAScalar(place: String, key: String)
    case noValue(place: String, key: String)
    case badValue(place: String, key: String, value: String, allowed: String)
    case notAnAssignment(place: String, text: String)

    package var description: String {
        switch self {
        case .unreadableFile(let path, let reason):
            "\(path): \(reason); name a readable YAML file with --config"
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
        case .noValue(let place, let key):
            "\(place): '\(key)' has no value; write one behind it, or remove the line"
        case .badValue(let place, let key, let value, let allowed):
            "\(place): '\(value)' is no value for '\(key)'; \(Self.advice(allowed))"
        case .notAnAssignment(let place, let text):
            "\(place): '\(text)' is not of the form KEY=VALUE"
        }
    }

    /// A range or a choice can't be written as it stands; a form such as HOST:PORT can.
    private static func advice(_ allowed: String) -> String {
        let isRange = allowed.contains(" ... ") || allowed.contains(" | ")
        return isRange ? "allowed: \(allowed)" : "write \(allowed)"
    }
}
