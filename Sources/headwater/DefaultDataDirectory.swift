import Posix

/// Where data lies when nobody says: `/var/lib/headwater` for the service user, the XDG state
/// folder (XDG Base Directory Specification 0.8) for anybody else.
func defaultDataDirectory(user: String, environment: [String: String]) -> String {
    if user == "headwater" { return "/var/lib/headwater" }
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
        return state + "/headwater"
    }
    return homeDirectory(environment) + "/.local/state/headwater"
}

private func homeDirectory(_ environment: [String: String]) -> String {
    environment["HOME"] ?? SystemProcess.user?.home ?? "/"
}

/// The path with `~/` replaced: no shell has seen what comes from a file, or stands behind `=`.
func expandingHome(_ path: String, environment: [String: String]) throws(Failure) -> String {
    guard path.hasPrefix("~") else { return path }
    guard path == "~" || path.hasPrefix("~/") else {
        throw .configuration(
            "data.directory '\(path)': only '~/' stands for a home folder; write the whole path "
                + "(or './\(path)', if that is its name)"
        )
    }
    return homeDirectory(environment) + path.dropFirst()
}

/// The same path from the root, without `.`, `..` or a slash at its end.
package func absolutePath(_ path: String) -> String {
    let start = path.hasPrefix("/") ? "" : SystemProcess.currentDirectory ?? ""
    var names: [Substring] = []
    for name in (start + "/" + path).split(separator: "/") where name != "." {
        if name == ".." { _ = names.popLast() } else { names.append(name) }
    }
    return "/" + names.joined(separator: "/")
}

/// The folders above this absolute path, from the root down, without the root.
package func foldersAbove(_ path: String) -> [String] {
    let names = path.split(separator: "/").dropLast()
    return names.indices.map { "/" + names[names.startIndex...$0].joined(separator: "/") }
}
