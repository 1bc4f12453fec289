import BrokerModel
import EventLoop
import KafkaSessions
import KafkaWire
import Posix

/// The request of a group's member at the front of a connection's input, while it waits.
struct FrontGroup {
    let ticket: GroupTicket
    var answer: GroupAnswer?
}

// One connection's requests about groups and their members. Those that wait for other members, or
// for the log, stay at the front of the input until the coordinator has answered.
extension KafkaConnectionHandler {
    func group(
        _ api: KafkaAPI,
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        switch api {
        case .joinGroup: return try joinGroup(&reader, header, &output)
        case .syncGroup: return try syncGroup(&reader, header, &output)
        case .leaveGroup: return try leaveGroup(&reader, header, &output)
        case .deleteGroups: return try deleteGroups(&reader, header, &output)
        case .heartbeat:
            let request = try HeartbeatRequest(reading: &reader, version: version)
            var response = HeartbeatResponse()
            response.errorCode = service.groups.heartbeat(request)
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        case .findCoordinator:
            let request = try FindCoordinatorRequest(reading: &reader, version: version)
            let response = answers.findCoordinator(
                request,
                version: version,
                keepsGroups: service.groupOffsets.journal.isOpen
            )
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        case .describeGroups:
            let request = try DescribeGroupsRequest(reading: &reader, version: version)
            let response = service.groups.describe(request, version: version)
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        case .listGroups:
            let request = try ListGroupsRequest(reading: &reader, version: version)
            let response = service.groups.list(request)
            respond(to: header, api, &output) { response.write(to: &$0, version: version) }
        default: throw .unknownAPI(header.apiKey)
        }
        return .answered
    }

    // MARK: Requests that may wait

    private func joinGroup(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        if frontGroup == nil {
            let request = try JoinGroupRequest(reading: &reader, version: version)
            guard !mustWaitForJournal() else { return .waiting }
            let clientID = header.clientID ?? ""
            let host = Self.groupHost(of: connection.peer)
            ask { directory, ticket, now in
                directory.join(
                    JoinCall(
                        request,
                        version: version,
                        clientID: clientID,
                        clientHost: host,
                        ticket: ticket
                    ),
                    now: now
                )
            }
        }
        guard case .joined(let response) = takeGroupAnswer() else { return .waiting }
        respond(to: header, .joinGroup, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    private func syncGroup(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        if frontGroup == nil {
            let request = try SyncGroupRequest(reading: &reader, version: version)
            guard !mustWaitForJournal() else { return .waiting }
            ask { directory, ticket, now in directory.sync(request, ticket: ticket, now: now) }
        }
        guard case .synced(let response) = takeGroupAnswer() else { return .waiting }
        respond(to: header, .syncGroup, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    private func leaveGroup(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        if frontGroup == nil {
            let request = try LeaveGroupRequest(reading: &reader, version: version)
            guard !mustWaitForJournal() else { return .waiting }
            ask { directory, ticket, now in directory.leave(request, ticket: ticket, now: now) }
        }
        guard case .left(var response) = takeGroupAnswer() else { return .waiting }
        // Older versions have one member and one error for both.
        if version < 3, response.errorCode == .none, let member = response.members.first {
            response.errorCode = member.errorCode
        }
        respond(to: header, .leaveGroup, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    private func deleteGroups(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        if frontGroup == nil {
            let request = try DeleteGroupsRequest(reading: &reader, version: version)
            guard !mustWaitForJournal() else { return .waiting }
            let ticket = service.groups.nextTicket()
            frontGroup = FrontGroup(ticket: ticket)
            service.groups.delete(request, ticket: ticket, for: connection.id)
        }
        guard case .deleted(let response) = takeGroupAnswer() else { return .waiting }
        respond(to: header, .deleteGroups, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    // MARK: Waiting

    /// As Java writes an address, and so Kafka a member's host: a slash and no port.
    private static func groupHost(of peer: SocketAddress) -> String {
        let text = peer.description
        let host = text.lastIndex(of: ":").map { text[..<$0] } ?? text[...]
        return "/" + host.filter { $0 != "[" && $0 != "]" }
    }

    /// Hands the front request over. Its answer may be there before this returns.
    private func ask(_ request: (inout GroupDirectory, GroupTicket, GroupTime) -> Void) {
        let ticket = service.groups.nextTicket()
        frontGroup = FrontGroup(ticket: ticket)
        service.groups.ask(ticket, for: connection.id, request)
    }

    private func takeGroupAnswer() -> GroupAnswer? {
        guard let answer = frontGroup?.answer else { return nil }
        frontGroup = nil
        return answer
    }

    /// The coordinator has answered the front request.
    func groupAnswered(_ ticket: GroupTicket, _ answer: GroupAnswer) {
        guard frontGroup?.ticket == ticket else { return }
        frontGroup?.answer = answer
        lookAgain()
    }

    /// The connection is gone; its member has its session's time to come back.
    func forgetGroupRequest() {
        guard let front = frontGroup else { return }
        service.groups.forget(front.ticket)
        frontGroup = nil
    }
}
