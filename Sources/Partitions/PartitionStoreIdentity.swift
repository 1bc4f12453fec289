import BrokerModel

/// Who a data directory belongs to, in Kafka's `meta.properties`. Written once, at the first start.
public struct PartitionStoreIdentity: Equatable, Sendable {
    public let nodeID: Int32
    public let clusterID: UUIDBytes
    public let directoryID: UUIDBytes

    public init(nodeID: Int32, clusterID: UUIDBytes, directoryID: UUIDBytes) {
        self.nodeID = nodeID
        self.clusterID = clusterID
        self.directoryID = directoryID
    }

    /// Reads the file's text; `path` is for the error.
    init(text: String, path: String) throws(PartitionStoreError) {
        var values: [Substring: Substring] = [:]
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            values[line[..<equals]] = line[line.index(after: equals)...]
        }
        func value<Value>(
            _ key: Substring,
            _ parse: (Substring) -> Value?
        ) throws(PartitionStoreError) -> Value {
            guard let text = values[key] else {
                throw .damagedProperties(path: path, why: "it has no line \(key)=")
            }
            guard let value = parse(text) else {
                throw .damagedProperties(path: path, why: "\(key)=\(text) is no such value")
            }
            return value
        }
        let version = try value("version") { Int($0) }
        guard version == 1 else {
            throw .damagedProperties(path: path, why: "version \(version) is not supported")
        }
        nodeID = try value("node.id") { Int32($0) }
        clusterID = try value("cluster.id") { UUIDBytes(String($0)) }
        directoryID = try value("directory.id") { UUIDBytes(String($0)) }
    }

    var text: String {
        """
        #
        version=1
        node.id=\(nodeID)
        cluster.id=\(clusterID)
        directory.id=\(directoryID)

        """
    }
}
