import BrokerModel

/// A client asks for topics no longer (3.10).
package struct UnsubscribePacket: Equatable, Sendable {
    package var packetIdentifier: UInt16
    package var filters: [Text]
    package var properties: Properties

    package init(
        packetIdentifier: UInt16,
        filters: [Text],
        properties: Properties = Properties()
    ) {
        self.packetIdentifier = packetIdentifier
        self.filters = filters
        self.properties = properties
    }

    package init(_ frame: PacketFrame, version: ProtocolVersion) throws(MQTTWireError) {
        var reader = ByteReader(frame.body)
        packetIdentifier = try reader.readPacketIdentifier()
        properties = Properties(
            version == .v5 ? try reader.readProperties(in: .unsubscribe) : .none
        )
        filters = []
        while !reader.isAtEnd {
            filters.append(Text(try reader.readText()))
        }
        guard !filters.isEmpty else { throw .noTopicFilter }
    }

    package func write(to output: inout ByteWriter, version: ProtocolVersion) {
        output.writePacket(.unsubscribe) { body in
            body.writeInteger(packetIdentifier)
            if version == .v5 { body.writeProperties(properties) }
            for filter in filters {
                body.writeField(filter.bytes)
            }
        }
    }
}
