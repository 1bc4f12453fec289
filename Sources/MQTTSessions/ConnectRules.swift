import MQTTWire

/// What a CONNECT asks for, held against what we offer. Pure: both ways are values.
enum ConnectRules {
    /// Why the client must be refused, if it must.
    static func refusal(of packet: ConnectPacket, limits: SessionLimits) -> ReasonCode? {
        if packet.properties.has(.authenticationMethod) { return .badAuthenticationMethod }
        guard isAcceptable(packet.clientIdentifier, limits: limits) else {
            return .clientIdentifierNotValid
        }
        // 3.1.1 lets only a clean session go without an identifier (3.1.3-8).
        if packet.version == .v311, packet.clientIdentifier.isEmpty, !packet.isCleanStart {
            return .clientIdentifierNotValid
        }
        guard packet.version == .v5, let will = packet.will else { return nil }
        return will.isRetained ? .retainNotSupported : nil
    }

    /// Control characters would forge log lines; everything else may be an identifier.
    private static func isAcceptable(_ identifier: Text, limits: SessionLimits) -> Bool {
        guard identifier.bytes.count <= limits.clientIdentifierBytesMax else { return false }
        return identifier.description.unicodeScalars.allSatisfy { scalar in
            scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value)
        }
    }

    /// What CONNACK tells the client about us (3.2.2.3). What it leaves out has the protocol's
    /// default: QoS 2, wildcards and subscription identifiers are available.
    static func connackProperties(
        for packet: ConnectPacket,
        assigned: Text?,
        limits: SessionLimits
    ) -> Properties {
        var properties = Properties()
        guard packet.version == .v5 else { return properties }
        if let wished = packet.properties.integer(.sessionExpiryInterval),
            wished > limits.sessionExpiryMax
        {
            properties.append(.sessionExpiryInterval, limits.sessionExpiryMax)
        }
        properties.append(.receiveMaximum, UInt32(max(1, limits.inFlightMax)))
        properties.append(.retainAvailable, 0)
        properties.append(.maximumPacketSize, UInt32(clamping: limits.packetBytesMax))
        if let assigned { properties.append(.assignedClientIdentifier, assigned) }
        properties.append(.topicAliasMaximum, UInt32(limits.topicAliasMax))
        properties.append(.sharedSubscriptionAvailable, 0)
        if limits.keepAliveMax > 0,
            packet.keepAlive == 0 || packet.keepAlive > limits.keepAliveMax
        {
            properties.append(.serverKeepAlive, UInt32(limits.keepAliveMax))
        }
        return properties
    }
}
