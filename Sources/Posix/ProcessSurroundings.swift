import CPosix

// Where this process finds itself: its user, its folder, its environment.
extension SystemProcess {
    /// Every variable. Nobody here ever changes them, so reading needs no lock.
    package static var environment: [String: String] {
        var variables: [String: String] = [:]
        var index: Int32 = 0
        while true {
            let text = String(cString: cposix_environment_entry(index))
            guard !text.isEmpty else { return variables }
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            index += 1
        }
    }

    /// The user's name and home folder; nil when the system does not know the user.
    package static var user: (name: String, home: String)? {
        var name = [CChar](repeating: 0, count: pathBytesMax)
        var home = [CChar](repeating: 0, count: pathBytesMax)
        guard cposix_user(&name, name.count, &home, home.count) == 0 else { return nil }
        return (text(name), text(home))
    }

    /// Nil when the folder was removed.
    package static var currentDirectory: String? {
        var path = [CChar](repeating: 0, count: pathBytesMax)
        return cposix_current_directory(&path, path.count) == 0 ? text(path) : nil
    }

    private static let pathBytesMax = 4_096

    private static func text(_ terminated: [CChar]) -> String {
        String(decoding: terminated.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
