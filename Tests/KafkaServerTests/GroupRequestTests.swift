import BrokerModel
import CommitLog
import KafkaServer
import KafkaSessions
import KafkaWire
import Testing

@Suite struct GroupRequestTests {
    static let topics: [String: ProducingBroker.Topic] = [
        "t": .init(partitions: 4), "__consumer_offsets": .init(),
    ]

    private func broker(
        delay: Duration = .milliseconds(20),
        storing: Bool = true,
        _ change: (inout KafkaServerSettings) -> Void = { _ in }
    ) throws -> ProducingBroker {
        var settings = KafkaServerSettings()
        settings.groups.initialRebalanceDelay = delay
        change(&settings)
        return try ProducingBroker(Self.topics, settings: settings, storing: storing)
    }

    // MARK: Members

    @Test(arguments: Int16(0)...9)
    func `every version joins and is given its part`(version: Int16) throws {
        let broker = try broker()
        let client = try broker.connect()
        let joined = try client.join("g", version)
        #expect(joined.errorCode == .none)
        #expect(joined.generationID == 1)
        #expect(joined.leader == joined.memberID)
        #expect(joined.memberID.hasPrefix("test-"))
        #expect(joined.members.map(\.metadata) == [[1, 2, 3]])
        let syncVersion = min(version, 5)
        let sync = try client.sendSync(joined, assigning: [joined.memberID: [7]], syncVersion)
        #expect(try client.receiveSync(sync, syncVersion).assignment == [7])
        #expect(try client.heartbeat(joined, "g", min(version, 4)) == .none)
        let leaveVersion = min(version, 5)
        let left = try client.leave(joined.memberID, "g", leaveVersion)
        #expect(left.errorCode == .none)
        #expect(left.members.map(\.errorCode) == (leaveVersion >= 3 ? [.none] : []))
        let again = try client.leave(joined.memberID, "g", leaveVersion)
        #expect(again.errorCode == (leaveVersion >= 3 ? .none : .unknownMemberID))
        #expect(again.members.map(\.errorCode) == (leaveVersion >= 3 ? [.unknownMemberID] : []))
        #expect(try client.heartbeat(joined) == .unknownMemberID)
    }

    @Test func `names of any length are kept, and quoted in part`() throws {
        let broker = try broker()
        let client = try broker.connect()
        let name = String(repeating: "n", count: Int(Int16.max))
        let joined = try client.receiveJoin(try client.sendJoin(instance: name))
        #expect(joined.errorCode == .none)
        let sync = try client.sendSync(joined, assigning: [joined.memberID: [7]])
        #expect(try client.receiveSync(sync).assignment == [7])
        #expect(try client.describe().members.map(\.groupInstanceID) == [name])
        let unknown = try client.describe(name)
        #expect(unknown.errorCode == .groupIDNotFound)
        #expect(try #require(unknown.errorMessage).utf8.count < 512)
    }

    @Test func `a group that is asked for twice is described once`() throws {
        let broker = try broker()
        let client = try broker.connect()
        let request = DescribeGroupsRequest(groupIDs: ["g", "h", "g"])
        let id = try client.send(.describeGroups, 5) { request.write(to: &$0, version: 5) }
        let response = try client.receive(.describeGroups, 5, id) {
            try DescribeGroupsResponse(reading: &$0, version: 5)
        }
        #expect(response.groups.map(\.groupID) == ["g", "h"])
    }

    @Test func `a join that waits holds up nobody else`() throws {
        let broker = try broker(delay: .minutes(5))
        let waiting = try broker.connect()
        let id = try waiting.receiveJoin(try waiting.sendJoin()).memberID
        _ = try waiting.sendJoin(member: id)
        let other = try broker.connect()
        #expect(try other.describe().groupState == "PreparingRebalance")
        #expect(try other.metadata(MetadataRequest(topics: []), 9).brokers.count == 1)
        #expect(try other.produce(try ProducerBatch.make()).errorCode == .none)
    }

    @Test func `what comes behind a join is answered after it`() throws {
        let broker = try broker()
        let client = try broker.connect()
        let id = try client.receiveJoin(try client.sendJoin()).memberID
        let join = try client.sendJoin(member: id)
        let metadata = try client.send(.metadata, 9) {
            MetadataRequest(topics: []).write(to: &$0, version: 9)
        }
        #expect(try client.receiveJoin(join).errorCode == .none)
        let response = try client.receive(.metadata, 9, metadata) {
            try MetadataResponse(reading: &$0, version: 9)
        }
        #expect(response.brokers.count == 1)
    }

    @Test func `a consumer that waits in a join is not idle`() throws {
        let broker = try broker(delay: .milliseconds(400)) {
            $0.idleMax = TimeLimit(.milliseconds(50))
        }
        let client = try broker.connect()
        #expect(try client.join().errorCode == .none)
    }

    @Test func `a connection that is lost takes no member with it`() throws {
        let broker = try broker()
        let watcher = try broker.connect()
        var client: TestClient? = try broker.connect()
        let id = try #require(try client?.join().memberID)
        client = nil
        #expect(try watcher.describe().members.map(\.memberID) == [id])
        // One that waits keeps its place, too: its client may ask again.
        var newcomer: TestClient? = try broker.connect()
        _ = try newcomer?.sendJoin("g", 3)
        broker.expectEventually { (try? watcher.describe().members.count) == 2 }
        newcomer = nil
        #expect(try watcher.describe().members.count == 2)
    }

    @Test func `two members rebalance over two connections`() throws {
        let broker = try broker()
        let (one, two) = (try broker.connect(), try broker.connect())
        let first = try one.join()
        let sync = try one.sendSync(first, assigning: [first.memberID: [1]])
        #expect(try one.receiveSync(sync).errorCode == .none)
        let id = try two.receiveJoin(try two.sendJoin()).memberID
        let waiting = try two.sendJoin(member: id)
        broker.expectEventually { (try? one.heartbeat(first)) == .rebalanceInProgress }
        let leader = try one.receiveJoin(try one.sendJoin(member: first.memberID))
        let follower = try two.receiveJoin(waiting)
        #expect(leader.generationID == 2)
        #expect(leader.members.map(\.memberID) == [first.memberID, id])
        #expect(follower.leader == first.memberID)
        let early = try two.sendSync(follower)
        let own = try one.sendSync(leader, assigning: [first.memberID: [1], id: [2]])
        #expect(try one.receiveSync(own).assignment == [1])
        #expect(try two.receiveSync(early).assignment == [2])
    }

    @Test func `an assignment is told once it is on the disk`() throws {
        let broker = try broker(storing: false)
        let client = try broker.connect()
        let joined = try client.join()
        let sync = try client.sendSync(joined, assigning: [joined.memberID: [7]])
        let watcher = try broker.connect()
        #expect(try watcher.describe().groupState == "CompletingRebalance")
        try broker.startStoring()
        #expect(try client.receiveSync(sync).assignment == [7])
        #expect(try watcher.describe().groupState == "Stable")
    }

    @Test func `a member that falls silent is taken out`() throws {
        let broker = try broker { $0.groups.sessionTimeoutMin = .milliseconds(1) }
        let client = try broker.connect()
        let id = try client.receiveJoin(try client.sendJoin(session: 200)).memberID
        let joined = try client.receiveJoin(try client.sendJoin(member: id, session: 200))
        let sync = try client.sendSync(joined, assigning: [id: [7]])
        #expect(try client.receiveSync(sync).errorCode == .none)
        broker.expectEventually { (try? client.describe().groupState) == "Empty" }
    }

    // MARK: Coordinators

    @Test(arguments: Int16(0)...6)
    func `this broker coordinates every group`(version: Int16) throws {
        let broker = try broker()
        let client = try broker.connect()
        let found = try #require(try client.findCoordinator(["g"], version).first)
        #expect(found.errorCode == .none)
        #expect(found.nodeID == TestBroker.identity.nodeID)
        #expect(found.host == TestBroker.identity.advertisedHost)
        #expect(found.port == Int32(TestBroker.identity.advertisedPort))
        guard version >= 1 else { return }
        #expect(found.errorMessage == (version < 4 ? "NONE" : ""))
        let codes: [(CoordinatorType, KafkaErrorCode)] = [
            (.transaction, .transactionalIDAuthorizationFailed), (.share, .invalidRequest),
            (CoordinatorType(rawValue: 9), .invalidRequest),
        ]
        for (type, code) in codes {
            let none = try #require(try client.findCoordinator(["g"], type: type, version).first)
            #expect(none.errorCode == code)
            #expect(none.nodeID == -1)
            #expect(none.errorMessage?.isEmpty == false)
        }
    }

    @Test func `many keys are found with one request`() throws {
        let broker = try broker()
        let client = try broker.connect()
        let found = try client.findCoordinator(["a", "b", ""])
        #expect(found.map(\.key) == ["a", "b", ""])
        #expect(found.map(\.errorCode) == [.none, .none, .none])
    }

    @Test func `without the topic that keeps groups nobody coordinates them`() throws {
        let broker = try ProducingBroker()
        let client = try broker.connect()
        let found = try client.findCoordinator(["g"])
        #expect(found.map(\.errorCode) == [.coordinatorNotAvailable])
    }

    // MARK: Administrators

    @Test(arguments: Int16(0)...6)
    func `every version describes a group`(version: Int16) throws {
        let broker = try broker()
        let client = try broker.connect()
        let joined = try client.join()
        let sync = try client.sendSync(joined, assigning: [joined.memberID: [7]])
        _ = try client.receiveSync(sync)
        let group = try client.describe("g", authorized: version >= 3, version)
        #expect(group.groupState == "Stable")
        #expect(group.protocolData == "range")
        #expect(group.members.map(\.clientID) == ["test"])
        #expect(group.members.map(\.clientHost) == ["/127.0.0.1"])
        #expect(group.members.map(\.memberAssignment) == [[7]])
        #expect(group.authorizedOperations == (version >= 3 ? 3_400 : .min))
        #expect(try client.describe("g", version).authorizedOperations == .min)
        let none = try client.describe("none", authorized: version >= 3, version)
        #expect(none.groupState == "Dead")
        #expect(none.errorCode == (version >= 6 ? .groupIDNotFound : .none))
        #expect(none.authorizedOperations == .min)
    }

    @Test(arguments: Int16(0)...5)
    func `every version lists groups`(version: Int16) throws {
        let broker = try broker()
        let client = try broker.connect()
        _ = try client.join("a", 9)
        _ = try client.receiveJoin(try client.sendJoin("b"))
        let groups = try client.listGroups(version)
        #expect(groups.map(\.groupID) == ["a", "b"])
        #expect(groups.map(\.protocolType) == ["consumer", ""])
        if version >= 4 {
            #expect(groups.map(\.groupState) == ["CompletingRebalance", "Empty"])
            #expect(try client.listGroups(states: ["empty"], version).map(\.groupID) == ["b"])
        }
        guard version >= 5 else { return }
        #expect(groups.map(\.groupType) == ["classic", "classic"])
        #expect(try client.listGroups(types: ["consumer"], version).isEmpty)
    }

    @Test(arguments: Int16(0)...2)
    func `a group is deleted with its offsets`(version: Int16) throws {
        let broker = try broker()
        let client = try broker.connect()
        #expect(try client.commit([0: 7], group: "simple") == [.none])
        let joined = try client.join()
        #expect(
            try client.deleteGroups(["simple", "g", "none", "simple"], version)
                == [.none, .nonEmptyGroup, .groupIDNotFound]
        )
        #expect(try client.committed(0, group: "simple").offset == -1)
        #expect(try client.leave(joined.memberID).errorCode == .none)
        #expect(try client.deleteGroups(["g"], version) == [.none])
        #expect(try client.listGroups().isEmpty)
    }
}
