import BrokerModel

/// What stands before every request's body.
public struct KafkaRequestHeader: Equatable, Sendable {
    public var apiKey: Int16
    public var apiVersion: Int16
    public var correlationID: Int32
    public var clientID: String?

    public init(apiKey: Int16, apiVersion: Int16, correlationID: Int32, clientID: String? = nil) {
        self.apiKey = apiKey
        self.apiVersion = apiVersion
        self.correlationID = correlationID
        self.clientID = clientID
    }

    /// The API, nil when this module does not know it.
    public var api: KafkaAPI? { KafkaAPI(rawValue: apiKey) }

    /// Reads version 1 or 2 of the header: 2, with tagged fields, before flexible requests.
    ///
    /// An unknown API throws here, because its header's form is unknown too. An unknown version
    /// does not, and only what all headers share is read of it: whether that ends the connection
    /// is the server's choice (KIP-511).
    public init(reading reader: inout ByteReader) throws(KafkaWireError) {
        apiKey = try reader.readFixed()
        apiVersion = try reader.readFixed()
        correlationID = try reader.readFixed()
        guard let api = KafkaAPI(rawValue: apiKey) else { throw .unknownAPI(apiKey) }
        // The client id keeps its two-byte length even in flexible headers.
        clientID = try reader.readNullableString(flexible: false)
        guard api.isFlexible(apiVersion), api.versions.contains(apiVersion) else { return }
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter) {
        output.writeInteger(apiKey)
        output.writeInteger(apiVersion)
        output.writeInteger(correlationID)
        output.writeNullableString(clientID, flexible: false)
        guard let api, api.isFlexible(apiVersion) else { return }
        output.writeNoTaggedFields()
    }
}

/// What stands before every response's body.
public struct KafkaResponseHeader: Equatable, Sendable {
    public var correlationID: Int32

    public init(correlationID: Int32) {
        self.correlationID = correlationID
    }

    /// Reads the header of the answer to a request of this API and version.
    public init(
        reading reader: inout ByteReader,
        api: KafkaAPI,
        version: Int16
    ) throws(KafkaWireError) {
        correlationID = try reader.readFixed()
        guard Self.hasTaggedFields(api, version) else { return }
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, api: KafkaAPI, version: Int16) {
        output.writeInteger(correlationID)
        guard Self.hasTaggedFields(api, version) else { return }
        output.writeNoTaggedFields()
    }

    /// ApiVersions keeps the plain header for ever: a client reads it before versions are agreed.
    private static func hasTaggedFields(_ api: KafkaAPI, _ version: Int16) -> Bool {
        api != .apiVersions && api.isFlexible(version)
    }
}
