import BrokerModel
import KafkaWire
import Partitions

// The cluster is this broker, which is its controller too (KIP-700).
extension BrokerAnswers {
    func describeCluster(
        _ request: DescribeClusterRequest,
        version: Int16
    ) -> DescribeClusterResponse {
        guard request.endpointType == .brokers else {
            var refusal = DescribeClusterResponse(clusterID: "", brokers: [])
            refusal.endpointType = request.endpointType
            refusal.errorCode =
                request.endpointType == .controllers
                ? .mismatchedEndpointType : .unsupportedEndpointType
            refusal.errorMessage = "this is a broker's endpoint; ask for endpoints of type 1"
            return refusal
        }
        let broker = DescribeClusterResponse.Broker(
            id: identity.nodeID,
            host: identity.advertisedHost,
            port: Int32(identity.advertisedPort)
        )
        var response = DescribeClusterResponse(
            clusterID: identity.clusterID.description,
            brokers: [broker]
        )
        response.controllerID = identity.nodeID
        if request.wantsAuthorizedOperations {
            response.clusterAuthorizedOperations = AuthorizedOperations.cluster
        }
        return response
    }

    /// What has settings of its own (KIP-1142). Version 0 asked for client metrics alone.
    func listConfigResources(
        _ request: ListConfigResourcesRequest,
        version: Int16
    ) -> ListConfigResourcesResponse {
        var response = ListConfigResourcesResponse(resources: [])
        guard version >= 1 else { return response }
        let supported: [ConfigResourceType] = [
            .topic, .broker, .brokerLogger, .clientMetrics, .group,
        ]
        let wanted = Set(request.resourceTypes.map { ConfigResourceType(rawValue: $0) })
        guard wanted.isSubset(of: supported) else {
            response.errorCode = .unsupportedVersion
            return response
        }
        for type in supported where wanted.isEmpty || wanted.contains(type) {
            response.resources += names(of: type).map { name in
                var resource = ListConfigResourcesResponse.Resource(name: name)
                resource.type = type
                return resource
            }
        }
        return response
    }

    private func names(of type: ConfigResourceType) -> [String] {
        switch type {
        case .topic: catalog.topics.map(\.name.description)
        case .broker: ["\(identity.nodeID)"]
        default: []
        }
    }
}
