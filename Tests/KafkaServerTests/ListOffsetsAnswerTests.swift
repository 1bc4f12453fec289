import BrokerModel
import HeadwaterTesting
import KafkaWire
import Testing

@Suite struct ListOffsetsAnswerTests {
    @Test func `the ends of a log are found, and never past the high watermark`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        try broker.append([[1], [2]])
        broker.commit()
        try broker.append([[3]])
        for version: Int16 in 1...11 {
            let earliest = try client.listOffsets(ListOffsetsPlace.earliest, version: version)
            #expect(earliest.errorCode == .none)
            #expect(earliest.offset == .zero)
            #expect(earliest.timestamp == .none)
            let latest = try client.listOffsets(ListOffsetsPlace.latest, version: version)
            #expect(latest.offset == Offset(2))
            #expect(latest.leaderEpoch == (version >= 4 ? .zero : .none))
        }
    }

    @Test func `a time leads to the first record that is not before it`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        try broker.append([[1], [2], [3]], times: [100, 300, 200])
        try broker.append([[4]], times: [400])
        broker.commit()
        func offset(_ time: Int64) throws -> Int64 {
            try client.listOffsets(Timestamp(milliseconds: time)).offset.rawValue
        }
        #expect(try offset(0) == 0)
        #expect(try offset(101) == 1)
        #expect(try offset(301) == 3)
        #expect(try offset(401) == -1)
        let found = try client.listOffsets(Timestamp(milliseconds: 250))
        #expect(found.timestamp == Timestamp(milliseconds: 300))
        #expect(found.leaderEpoch == .zero)
        let latest = try client.listOffsets(ListOffsetsPlace.maxTimestamp)
        #expect(latest.offset == Offset(3))
        #expect(latest.timestamp == Timestamp(milliseconds: 400))
    }

    @Test func `an empty log has no record with a time`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        for timestamp in [ListOffsetsPlace.maxTimestamp, Timestamp(milliseconds: 0)] {
            let found = try client.listOffsets(timestamp)
            #expect(found.errorCode == .none)
            #expect(found.offset == Offset(-1))
            #expect(found.timestamp == .none)
        }
        #expect(try client.listOffsets(ListOffsetsPlace.latest).offset == .zero)
    }

    @Test func `places of tiered storage answer as a Kafka without it does`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        try broker.append([[1]])
        broker.commit()
        #expect(try client.listOffsets(ListOffsetsPlace.earliestLocal).offset == .zero)
        #expect(try client.listOffsets(ListOffsetsPlace.latestTiered).offset == Offset(-1))
        #expect(
            try client.listOffsets(ListOffsetsPlace.earliestPendingUpload).offset == Offset(-1)
        )
        let early: [(Timestamp, Int16)] = [
            (ListOffsetsPlace.earliestLocal, 7), (ListOffsetsPlace.latestTiered, 8),
            (ListOffsetsPlace.earliestPendingUpload, 10), (Timestamp(milliseconds: -7), 11),
        ]
        for (timestamp, version) in early {
            let refused = try client.listOffsets(timestamp, version: version)
            #expect(refused.errorCode == .unsupportedVersion)
            #expect(refused.offset == Offset(-1))
        }
    }

    @Test func `unknown partitions and topics are named as such`() throws {
        let broker = try TestBroker()
        let client = try broker.connect()
        let latest = ListOffsetsPlace.latest
        for (topic, partition) in [("t", 1), ("t", -1), ("u", 0), ("/", 0)] as [(String, Int32)] {
            let answer = try client.listOffsets(latest, topic: topic, partition: partition)
            #expect(answer.errorCode == .unknownTopicOrPartition)
            #expect(answer.index == partition)
        }
    }

    @Test func `a client with another leader epoch is fenced`() throws {
        let broker = try restarted()
        let client = try broker.connect()
        let latest = ListOffsetsPlace.latest
        #expect(try client.listOffsets(latest, epoch: LeaderEpoch(1)).errorCode == .none)
        #expect(try client.listOffsets(latest).leaderEpoch == LeaderEpoch(1))
        #expect(
            try client.listOffsets(latest, epoch: .zero).errorCode == .fencedLeaderEpoch
        )
        #expect(
            try client.listOffsets(latest, epoch: LeaderEpoch(2)).errorCode == .unknownLeaderEpoch
        )
    }
}

/// A broker after a power cut, so that its leader epoch is 1. Its log holds one record.
func restarted() throws -> TestBroker {
    let before = try TestBroker()
    try before.append([[1]])
    before.commit()
    return try TestBroker(fileSystem: before.fileSystem.survivors(seed: 1))
}
