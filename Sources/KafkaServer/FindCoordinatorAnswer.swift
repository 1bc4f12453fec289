import KafkaWire

// This broker coordinates every group. Of transactions it says at once that there are none, so that
// a producer does not look for their coordinator until it gives up.
extension BrokerAnswers {
    func findCoordinator(
        _ request: FindCoordinatorRequest,
        version: Int16,
        keepsGroups: Bool
    ) -> FindCoordinatorResponse {
        let coordinators = request.keys.map { key in
            coordinator(of: key, request.keyType, version: version, keepsGroups: keepsGroups)
        }
        return FindCoordinatorResponse(coordinators: coordinators)
    }

    private func coordinator(
        of key: String,
        _ type: CoordinatorType,
        version: Int16,
        keepsGroups: Bool
    ) -> FindCoordinatorResponse.Coordinator {
        switch type {
        case .group where !keepsGroups:
            return .init(
                key: key,
                error: .coordinatorNotAvailable,
                message: "The topic that keeps groups cannot be used."
            )
        case .group:
            var found = FindCoordinatorResponse.Coordinator(
                key: key,
                nodeID: identity.nodeID,
                host: identity.advertisedHost,
                port: Int32(identity.advertisedPort)
            )
            // As Kafka words success, before and since version 4.
            found.errorMessage = version < 4 ? "NONE" : ""
            return found
        case .transaction:
            return .init(
                key: key,
                error: .transactionalIDAuthorizationFailed,
                message: "This broker serves no transactions."
            )
        default:
            return .init(
                key: key,
                error: .invalidRequest,
                message: "There is no coordinator for keys of type \(type.rawValue)."
            )
        }
    }
}
