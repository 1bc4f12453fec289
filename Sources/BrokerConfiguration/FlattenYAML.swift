import Yams

/// One key and its value, with the place where the operator wrote it.
struct Assignment {
    let key: String
    let value: AssignedValue
    let place: String
}

enum AssignedValue {
    case text(String)
    case list([ListEntry])
}

/// One entry of a list: what its map holds, or nil when it is no map.
struct ListEntry {
    let place: String
    let assignments: [Assignment]?
}

/// Turns nested maps into dotted keys: `log: {segment: {bytes: 1MiB}}` is `log.segment.bytes`.
func flattenYAML(_ text: String, path: String) throws(ConfigurationError) -> [Assignment] {
    let root: Node?
    do {
        root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
        throw configurationError(error, path: path)
    } catch {
        throw .notYAML(place: path, reason: "\(error)")
    }
    guard let root, root.null == nil else { return [] }  // An empty file sets nothing.
    guard root.mapping != nil else {
        throw .notYAML(place: place(root, path), reason: "the top level must be 'key: value' lines")
    }
    var assignments: [Assignment] = []
    try flatten(root, prefix: "", path: path, into: &assignments)
    return assignments
}

/// The parser's problem in one line; its own text shows a snippet over several.
private func configurationError(_ error: YamlError, path: String) -> ConfigurationError {
    switch error {
    case .scanner(let context, let problem, let mark, _),
        .parser(let context, let problem, let mark, _),
        .composer(let context, let problem, let mark, _):
        let details = context.map { "\($0.text), \(problem)" } ?? problem
        return .notYAML(place: place(mark, path), reason: details)
    case .duplicatedKeysInMapping(let duplicates, _):
        // Its mark is where the map begins, which may be far from both lines.
        let keys = duplicates.sorted().joined(separator: "', '")
        return .repeatedKey(place: path, key: keys)
    case .reader(let problem, let offset?, _, let yaml):
        let lines = yaml.prefix(offset).split(separator: "\n", omittingEmptySubsequences: false)
        let column = (lines.last?.count ?? 0) + 1
        return .notYAML(place: "\(path):\(max(lines.count, 1)):\(column)", reason: problem)
    case .reader(let problem, nil, _, _):
        return .notYAML(place: path, reason: problem)
    default:
        let line = "\(error)".prefix { $0 != "\n" }
        return .notYAML(place: path, reason: String(line))
    }
}

private func flatten(
    _ node: Node,
    prefix: String,
    path: String,
    into assignments: inout [Assignment]
) throws(ConfigurationError) {
    switch node {
    case .mapping(let mapping):
        for (keyNode, value) in mapping {
            guard let key = keyNode.scalar?.string else {
                throw .notAScalar(place: place(keyNode, path), key: prefix)
            }
            let name = prefix.isEmpty ? key : "\(prefix).\(key)"
            guard value.null == nil else {
                throw .noValue(place: place(keyNode, path), key: name)
            }
            if let scalar = value.scalar {
                let text = AssignedValue.text(scalar.string)
                assignments.append(Assignment(key: name, value: text, place: place(keyNode, path)))
            } else if let sequence = value.sequence {
                let list = AssignedValue.list(try entries(of: sequence, path: path))
                assignments.append(Assignment(key: name, value: list, place: place(keyNode, path)))
            } else {
                try flatten(value, prefix: name, path: path, into: &assignments)
            }
        }
    case .sequence, .alias:
        throw .notAScalar(place: place(node, path), key: prefix)
    case .scalar:
        break  // The caller has taken scalars already.
    }
}

private func entries(
    of sequence: Node.Sequence,
    path: String
) throws(ConfigurationError) -> [ListEntry] {
    var entries: [ListEntry] = []
    for node in sequence {
        guard node.mapping != nil else {
            entries.append(ListEntry(place: place(node, path), assignments: nil))
            continue
        }
        var assignments: [Assignment] = []
        try flatten(node, prefix: "", path: path, into: &assignments)
        entries.append(ListEntry(place: place(node, path), assignments: assignments))
    }
    return entries
}

private func place(_ node: Node, _ path: String) -> String {
    node.mark.map { place($0, path) } ?? path
}

private func place(_ mark: Mark, _ path: String) -> String {
    "\(path):\(mark.line):\(mark.column)"
}
