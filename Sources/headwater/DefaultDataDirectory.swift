import Foundation

/// Where data lies when nobody says: `/var/lib/headwater` for the service user, the XDG state
/// folder (XDG Base Directory Specification 0.8) for anybody else.
func defaultDataDirectory(user: String, environment: [String: String]) -> String {
    if user == "headwater" { return "/var/lib/headwater" }
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
        return state + "/headwater"
    }
    let home = environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path
    return home + "/.local/state/headwater"
}

/// The same path from the root, without `.`, `..` or a slash at its end.
func absolutePath(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
}
