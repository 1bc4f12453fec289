import BrokerModel
import MQTTWire

// SUBSCRIBE and UNSUBSCRIBE.
extension SessionDirectory {
    mutating func subscribe(
        _ packet: SubscribePacket,
        session: inout Session,
        output: inout ByteWriter
    ) -> Action {
        guard let handle = session.handle, liveIndex(of: session) != nil else {
            return .close(session.takenOver(output: &output))
        }
        let identifier = packet.properties.integer(.subscriptionIdentifier) ?? 0
        var reasonCodes: [ReasonCode] = []
        for request in packet.requests {
            guard let filter = TopicFilter(request.filter) else {
                reasonCodes.append(.topicFilterInvalid)
                continue
            }
            // A protocol error of its own (3.8.3.1-4).
            if filter.isShared, request.options.isNoLocal {
                return .close(session.refuseClient(.protocolError, output: &output))
            }
            let subscription = KeptSubscription(
                filter: request.filter,
                options: request.options,
                identifier: identifier
            )
            reasonCodes.append(subscribe(handle, subscription, to: filter))
            if session.deliveries == nil { session.take(sessions[handle.index]?.deliveries) }
        }
        noteChange(of: handle)
        let reply = SubscriptionReply(
            .suback,
            packetIdentifier: packet.packetIdentifier,
            reasonCodes: reasonCodes
        )
        session.write(to: &output) { output, version in
            reply.write(to: &output, version: version)
        }
        return .handled
    }

    /// Returns the code for SUBACK.
    mutating func subscribe(
        _ handle: SessionHandle,
        _ subscription: KeptSubscription,
        to filter: TopicFilter
    ) -> ReasonCode {
        guard !filter.isShared else { return .sharedSubscriptionsNotSupported }
        let entry = SubscriptionTree.Entry(
            subscriber: handle,
            identifier: subscription.identifier,
            qos: min(subscription.options.qosMax, .atLeastOnce),
            isNoLocal: subscription.options.isNoLocal
        )
        if sessions[handle.index]?.subscriptions[filter.text] != nil {
            // The same filter again replaces the subscription (3.8.4).
            subscriptions.remove(handle, filter: filter)
        } else {
            let count = sessions[handle.index]?.subscriptions.count ?? 0
            let filterBytes =
                (sessions[handle.index]?.filterBytes ?? 0) + filter.text.bytes.count
            guard count < limits.subscriptionsPerSessionMax,
                filterBytes <= limits.filterBytesPerSessionMax,
                memory.reserve(StateCost.subscription(filter))
            else { return .quotaExceeded }
            sessions[handle.index]?.filterBytes = filterBytes
        }
        sessions[handle.index]?.subscriptions[filter.text] = subscription
        subscriptions.insert(entry, filter: filter)
        guard entry.qos > .atMostOnce else { return .success }
        provideDeliveries(at: handle.index)
        return .grantedQoS1
    }

    mutating func unsubscribe(
        _ packet: UnsubscribePacket,
        session: inout Session,
        output: inout ByteWriter
    ) -> Action {
        guard let handle = session.handle, let index = liveIndex(of: session) else {
            return .close(session.takenOver(output: &output))
        }
        let reasonCodes = packet.filters.map { text -> ReasonCode in
            guard let filter = TopicFilter(text) else { return .topicFilterInvalid }
            guard sessions[index]?.subscriptions.removeValue(forKey: text) != nil else {
                return .noSubscriptionExisted
            }
            removeSubscription(handle, filter)
            return .success
        }
        noteChange(of: handle)
        let reply = SubscriptionReply(
            .unsuback,
            packetIdentifier: packet.packetIdentifier,
            reasonCodes: reasonCodes
        )
        session.write(to: &output) { output, version in
            reply.write(to: &output, version: version)
        }
        return .handled
    }

    mutating func removeSubscription(_ handle: SessionHandle, _ filter: TopicFilter) {
        subscriptions.remove(handle, filter: filter)
        sessions[handle.index]?.filterBytes -= filter.text.bytes.count
        memory.release(StateCost.subscription(filter))
    }
}
