import Yams

/// One key and its value, with the place where the operator wrote it.
struct Assignment {
    let key: String
    let value: String
    let place: String
}

/// Turns nested maps into dotted keys: `log: {segment: {bytes: 1MiB}}` is `log.segment.bytes`.
func flattenYAML(_ text: String, path: String) throws(ConfigurationError) -> [Assignment] {
    let root: Node?
    do {
        root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
        throw .notYAML(place: path, reason: "\(error)")
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
            guard let scalar = value.scalar else {
                try flatten(value, prefix: name, path: path, into: &assignments)
                continue
            }
            assignments.append(
                Assignment(key: name, value: scalar.string, place: place(keyNode, path))
            )
        }
    case .sequence, .alias:
        throw .notAScalar(place: place(node, path), key: prefix)
    case .scalar:
        break  // The caller has taken scalars already.
    }
}

private func place(_ node: Node, _ path: String) -> String {
    guard let mark = node.mark else { return path }
    return "\(path):\(mark.line):\(mark.column)"
}
