import BrokerModel

/// ApiVersions (key 18): which versions of which APIs a broker serves (KIP-35, KIP-511).
public struct ApiVersionsRequest: Equatable, Sendable {
    /// Both from version 3 on, empty before.
    public var clientSoftwareName = ""
    public var clientSoftwareVersion = ""

    public init() {}

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.apiVersions.check(version)
        guard version >= 3 else { return }
        clientSoftwareName = try reader.readString(flexible: true)
        clientSoftwareVersion = try reader.readString(flexible: true)
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        guard version >= 3 else { return }
        output.writeString(clientSoftwareName, flexible: true)
        output.writeString(clientSoftwareVersion, flexible: true)
        output.writeNoTaggedFields()
    }
}

public struct ApiVersionsResponse: Equatable, Sendable {
    public var errorCode = KafkaErrorCode.none
    public var apis: [ServedAPI] = []
    public var throttleMilliseconds: Int32 = 0
    public var supportedFeatures: [KafkaFeature] = []
    public var finalizedFeaturesEpoch: Int64 = -1
    public var finalizedFeatures: [KafkaFeature] = []
    public var zooKeeperMigrationReady = false

    public init() {}

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.apiVersions.check(version)
        let flexible = KafkaAPI.apiVersions.isFlexible(version)
        errorCode = try reader.readErrorCode()
        apis = try reader.readArray(version: version, flexible: flexible)
        if version >= 1 { throttleMilliseconds = try reader.readFixed() }
        if flexible { try readTaggedFields(&reader, version) }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.apiVersions.isFlexible(version)
        output.writeErrorCode(errorCode)
        output.writeArray(apis, version: version, flexible: flexible)
        if version >= 1 { output.writeInteger(throttleMilliseconds) }
        if flexible { writeTaggedFields(&output, version) }
    }

    private mutating func readTaggedFields(
        _ reader: inout ByteReader,
        _ version: Int16
    ) throws(KafkaWireError) {
        var fields = try TaggedFields(reading: &reader)
        while var field = try fields.next(&reader) {
            switch field.tag {
            case 0: supportedFeatures = try Self.features(&field.body, .supported)
            case 1: finalizedFeaturesEpoch = try field.body.readFixed()
            case 2: finalizedFeatures = try Self.features(&field.body, .finalized)
            case 3: zooKeeperMigrationReady = try field.body.readBool()
            default: continue
            }
            try field.finish()
        }
    }

    private func writeTaggedFields(_ output: inout ByteWriter, _ version: Int16) {
        var fields = TaggedFieldsWriter()
        if !supportedFeatures.isEmpty {
            fields.add(0) { Self.write(supportedFeatures, .supported, to: &$0) }
        }
        if finalizedFeaturesEpoch != -1 {
            fields.add(1) { $0.writeInteger(finalizedFeaturesEpoch) }
        }
        if !finalizedFeatures.isEmpty {
            fields.add(2) { Self.write(finalizedFeatures, .finalized, to: &$0) }
        }
        if zooKeeperMigrationReady { fields.add(3) { $0.writeBool(true) } }
        fields.write(to: &output)
    }

    /// Supported features give the least version first, finalized ones the largest level.
    private enum FeatureOrder { case supported, finalized }

    private static func features(
        _ reader: inout ByteReader,
        _ order: FeatureOrder
    ) throws(KafkaWireError) -> [KafkaFeature] {
        let array: [KafkaFeature] = try reader.readArray(version: 3, flexible: true)
        return order == .supported ? array : array.map(\.swapped)
    }

    private static func write(
        _ features: [KafkaFeature],
        _ order: FeatureOrder,
        to output: inout ByteWriter
    ) {
        let ordered = order == .supported ? features : features.map(\.swapped)
        output.writeArray(ordered, version: 3, flexible: true)
    }
}

/// One line of the table: an API's key and the versions served.
public struct ServedAPI: Equatable, Sendable, WireElement {
    public var key: Int16
    public var versionMin: Int16
    public var versionMax: Int16

    static let bytesMin = 6

    public init(key: Int16, versionMin: Int16, versionMax: Int16) {
        self.key = key
        self.versionMin = versionMin
        self.versionMax = versionMax
    }

    init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        key = try reader.readFixed()
        versionMin = try reader.readFixed()
        versionMax = try reader.readFixed()
        if KafkaAPI.apiVersions.isFlexible(version) { try reader.skipTaggedFields() }
    }

    func write(to output: inout ByteWriter, version: Int16) {
        output.writeInteger(key)
        output.writeInteger(versionMin)
        output.writeInteger(versionMax)
        if KafkaAPI.apiVersions.isFlexible(version) { output.writeNoTaggedFields() }
    }
}

/// A cluster feature and its versions or levels (KIP-584).
public struct KafkaFeature: Equatable, Sendable, WireElement {
    public var name: String
    public var versionMin: Int16
    public var versionMax: Int16

    static let bytesMin = 6

    var swapped: KafkaFeature {
        KafkaFeature(name: name, versionMin: versionMax, versionMax: versionMin)
    }

    public init(name: String, versionMin: Int16, versionMax: Int16) {
        self.name = name
        self.versionMin = versionMin
        self.versionMax = versionMax
    }

    init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        name = try reader.readString(flexible: true)
        versionMin = try reader.readFixed()
        versionMax = try reader.readFixed()
        try reader.skipTaggedFields()
    }

    func write(to output: inout ByteWriter, version: Int16) {
        output.writeString(name, flexible: true)
        output.writeInteger(versionMin)
        output.writeInteger(versionMax)
        output.writeNoTaggedFields()
    }
}
