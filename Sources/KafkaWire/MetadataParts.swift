import BrokerModel

extension MetadataResponse {
    public struct Broker: Equatable, Sendable, WireElement {
        public var id: Int32
        public var host: String
        public var port: Int32
        public var rack: String?

        static let bytesMin = 9

        public init(id: Int32, host: String, port: Int32, rack: String? = nil) {
            self.id = id
            self.host = host
            self.port = port
            self.rack = rack
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.metadata.isFlexible(version)
            id = try reader.readFixed()
            host = try reader.readString(flexible: flexible)
            port = try reader.readFixed()
            rack = version >= 1 ? try reader.readNullableString(flexible: flexible) : nil
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.metadata.isFlexible(version)
            output.writeInteger(id)
            output.writeString(host, flexible: flexible)
            output.writeInteger(port)
            if version >= 1 { output.writeNullableString(rack, flexible: flexible) }
            if flexible { output.writeNoTaggedFields() }
        }
    }

    public struct Topic: Equatable, Sendable, WireElement {
        public var errorCode = KafkaErrorCode.none
        /// Nil, from version 12 on, for an id that no topic has.
        public var name: String?
        public var id = UUIDBytes.zero
        public var isInternal = false
        public var partitions: [Partition] = []
        public var operations = MetadataResponse.operationsUnknown

        static let bytesMin = 5

        public init(name: String?) {
            self.name = name
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.metadata.isFlexible(version)
            errorCode = try reader.readErrorCode()
            name =
                version >= 12
                ? try reader.readNullableString(flexible: flexible)
                : try reader.readString(flexible: flexible)
            if version >= 10 { id = try reader.readUUID() }
            if version >= 1 { isInternal = try reader.readBool() }
            partitions = try reader.readArray(version: version, flexible: flexible)
            if version >= 8 { operations = try reader.readFixed() }
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.metadata.isFlexible(version)
            output.writeErrorCode(errorCode)
            if version >= 12 {
                output.writeNullableString(name, flexible: flexible)
            } else {
                output.writeString(name ?? "", flexible: flexible)
            }
            if version >= 10 { output.writeUUID(id) }
            if version >= 1 { output.writeBool(isInternal) }
            output.writeArray(partitions, version: version, flexible: flexible)
            if version >= 8 { output.writeInteger(operations) }
            if flexible { output.writeNoTaggedFields() }
        }
    }

    public struct Partition: Equatable, Sendable, WireElement {
        public var errorCode = KafkaErrorCode.none
        public var index: Int32
        public var leaderID: Int32
        public var leaderEpoch: LeaderEpoch
        public var replicas: [Int32]
        public var inSyncReplicas: [Int32]
        public var offlineReplicas: [Int32] = []

        static let bytesMin = 12

        public init(index: Int32, leaderID: Int32, leaderEpoch: LeaderEpoch, replicas: [Int32]) {
            self.index = index
            self.leaderID = leaderID
            self.leaderEpoch = leaderEpoch
            self.replicas = replicas
            inSyncReplicas = replicas
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.metadata.isFlexible(version)
            errorCode = try reader.readErrorCode()
            index = try reader.readFixed()
            leaderID = try reader.readFixed()
            leaderEpoch = version >= 7 ? LeaderEpoch(try reader.readFixed()) : .none
            replicas = try reader.readIntegers(flexible: flexible)
            inSyncReplicas = try reader.readIntegers(flexible: flexible)
            if version >= 5 { offlineReplicas = try reader.readIntegers(flexible: flexible) }
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.metadata.isFlexible(version)
            output.writeErrorCode(errorCode)
            output.writeInteger(index)
            output.writeInteger(leaderID)
            if version >= 7 { output.writeInteger(leaderEpoch.rawValue) }
            output.writeIntegers(replicas, flexible: flexible)
            output.writeIntegers(inSyncReplicas, flexible: flexible)
            if version >= 5 { output.writeIntegers(offlineReplicas, flexible: flexible) }
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
