import BrokerModel

/// Who leads a partition, told beside an error so that a client need not ask again (KIP-951).
public struct LeaderAndEpoch: Equatable, Sendable {
    public var leaderID: Int32
    public var leaderEpoch: LeaderEpoch

    public init(leaderID: Int32, leaderEpoch: LeaderEpoch) {
        self.leaderID = leaderID
        self.leaderEpoch = leaderEpoch
    }
}

/// Where such a leader is reached. Fetch and Produce responses carry them.
public struct NodeEndpoint: Equatable, Sendable, WireElement {
    public var id: Int32
    public var host: String
    public var port: Int32
    public var rack: String?

    static let bytesMin = 11

    public init(id: Int32, host: String, port: Int32, rack: String? = nil) {
        self.id = id
        self.host = host
        self.port = port
        self.rack = rack
    }

    init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        id = try reader.readFixed()
        host = try reader.readString(flexible: true)
        port = try reader.readFixed()
        rack = try reader.readNullableString(flexible: true)
        try reader.skipTaggedFields()
    }

    func write(to output: inout ByteWriter, version: Int16) {
        output.writeInteger(id)
        output.writeString(host, flexible: true)
        output.writeInteger(port)
        output.writeNullableString(rack, flexible: true)
        output.writeNoTaggedFields()
    }
}
