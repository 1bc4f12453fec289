import KafkaWire

// Access control lists: there is no authorizer, and Kafka then answers that security is off.
extension BrokerAnswers {
    static func describeAcls() -> DescribeAclsResponse {
        var response = DescribeAclsResponse()
        response.errorCode = .securityDisabled
        response.errorMessage = noAuthorizer
        return response
    }

    static func createAcls(_ request: CreateAclsRequest) -> CreateAclsResponse {
        CreateAclsResponse(
            results: request.creations.map { _ in
                .init(errorCode: .securityDisabled, errorMessage: noAuthorizer)
            }
        )
    }

    static func deleteAcls(_ request: DeleteAclsRequest) -> DeleteAclsResponse {
        DeleteAclsResponse(
            results: request.filters.map { _ in
                var result = DeleteAclsResponse.Result()
                result.errorCode = .securityDisabled
                result.errorMessage = noAuthorizer
                return result
            }
        )
    }

    private static let noAuthorizer = "this broker has no authorizer"
}
