import Foundation

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
    environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path
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
func absolutePath(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
}
