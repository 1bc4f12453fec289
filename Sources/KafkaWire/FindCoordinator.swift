import BrokerModel

/// FindCoordinator (key 10): which broker looks after a group or a transaction.
public struct FindCoordinatorRequest: Equatable, Sendable {
    /// Ids of groups or transactions. Before version 4 a request has exactly one (KIP-699).
    public var keys: [String]
    /// From version 1 on.
    public var keyType = CoordinatorType.group

    public init(keys: [String], keyType: CoordinatorType = .group) {
        self.keys = keys
        self.keyType = keyType
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.findCoordinator.check(version)
        let flexible = KafkaAPI.findCoordinator.isFlexible(version)
        keys = version <= 3 ? [try reader.readString(flexible: flexible)] : []
        if version >= 1 { keyType = CoordinatorType(rawValue: try reader.readFixed()) }
        if version >= 4 { keys = try reader.readStrings(flexible: flexible) }
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.findCoordinator.isFlexible(version)
        if version <= 3 { output.writeString(keys.first ?? "", flexible: flexible) }
        if version >= 1 { output.writeInteger(keyType.rawValue) }
        if version >= 4 { output.writeStrings(keys, flexible: flexible) }
        if flexible { output.writeNoTaggedFields() }
    }
}

/// What a coordinator looks after.
@frozen public struct CoordinatorType: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int8

    @inlinable public init(rawValue: Int8) { self.rawValue = rawValue }

    public static let group = CoordinatorType(rawValue: 0)
    public static let transaction = CoordinatorType(rawValue: 1)
    /// From version 6 on (KIP-932).
    public static let share = CoordinatorType(rawValue: 2)
}

public struct FindCoordinatorResponse: Equatable, Sendable {
    /// From version 1 on.
    public var throttleMilliseconds: Int32 = 0
    /// One for each key. Before version 4 exactly one, and it doesn't say for which key.
    public var coordinators: [Coordinator]

    public init(coordinators: [Coordinator]) {
        self.coordinators = coordinators
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.findCoordinator.check(version)
        let flexible = KafkaAPI.findCoordinator.isFlexible(version)
        if version >= 1 { throttleMilliseconds = try reader.readFixed() }
        coordinators =
            version >= 4
            ? try reader.readArray(version: version, flexible: flexible)
            : [try Coordinator(readingOnly: &reader, version: version)]
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.findCoordinator.isFlexible(version)
        if version >= 1 { output.writeInteger(throttleMilliseconds) }
        if version >= 4 {
            output.writeArray(coordinators, version: version, flexible: flexible)
        } else {
            let only = coordinators.first ?? Coordinator(key: "", error: .coordinatorNotAvailable)
            only.writeOnly(to: &output, version: version)
        }
        if flexible { output.writeNoTaggedFields() }
    }
}

extension FindCoordinatorResponse {
    public struct Coordinator: Equatable, Sendable, WireElement {
        /// From version 4 on.
        public var key: String
        public var nodeID: Int32 = -1
        public var host = ""
        public var port: Int32 = -1
        public var errorCode = KafkaErrorCode.none
        /// From version 1 on. Kafka says an empty text, and `NONE` before version 4, when all is
        /// well.
        public var errorMessage: String? = ""

        static let bytesMin = 14

        public init(key: String, nodeID: Int32, host: String, port: Int32) {
            self.key = key
            self.nodeID = nodeID
            self.host = host
            self.port = port
        }

        public init(key: String, error: KafkaErrorCode, message: String? = nil) {
            self.key = key
            errorCode = error
            errorMessage = message
        }

        /// From version 4 on.
        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            key = try reader.readString(flexible: true)
            nodeID = try reader.readFixed()
            host = try reader.readString(flexible: true)
            port = try reader.readFixed()
            errorCode = try reader.readErrorCode()
            errorMessage = try reader.readNullableString(flexible: true)
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeString(key, flexible: true)
            output.writeInteger(nodeID)
            output.writeString(host, flexible: true)
            output.writeInteger(port)
            output.writeErrorCode(errorCode)
            output.writeNullableString(errorMessage, flexible: true)
            output.writeNoTaggedFields()
        }

        /// The fields of versions 0 to 3, which stand in the response itself and in other order.
        init(readingOnly reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.findCoordinator.isFlexible(version)
            key = ""
            errorCode = try reader.readErrorCode()
            if version >= 1 { errorMessage = try reader.readNullableString(flexible: flexible) }
            nodeID = try reader.readFixed()
            host = try reader.readString(flexible: flexible)
            port = try reader.readFixed()
        }

        func writeOnly(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.findCoordinator.isFlexible(version)
            output.writeErrorCode(errorCode)
            if version >= 1 { output.writeNullableString(errorMessage, flexible: flexible) }
            output.writeInteger(nodeID)
            output.writeString(host, flexible: flexible)
            output.writeInteger(port)
        }
    }
}
