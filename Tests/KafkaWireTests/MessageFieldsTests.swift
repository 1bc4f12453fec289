import KafkaWire
import Testing

/// Each field of each version against Kafka's definitions: Tests/vectors/kafka-fields.tsv.
@Suite struct MessageFieldsTests {
    @Test func `the table describes both directions of every API, in all versions that we know`() {
        for api in KafkaAPI.allCases {
            let shapes = MessageTable.messages.filter { $0.api == api }
            #expect(Set(shapes.map(\.isRequest)) == [true, false], "\(api)")
            for shape in shapes {
                #expect(shape.versions == api.versions, "\(shape)")
                for version in api.versions {
                    #expect(
                        shape.isFlexible(version) == api.isFlexible(version),
                        "\(shape) \(version)"
                    )
                }
            }
        }
        #expect(MessageTable.messages.count == 2 * KafkaAPI.allCases.count)
    }

    @Test(arguments: MessageTable.messages)
    func `each field of each version is read and written back`(_ shape: MessageShape) throws {
        for version in shape.versions {
            for fill in TableEncoder.Fill.allCases {
                let bytes = TableEncoder(message: shape, version: version, fill: fill).encode()
                let rewritten = try rewrite(bytes, shape, version)
                #expect(rewritten.unread == 0, "version \(version), \(fill)")
                #expect(rewritten.bytes == bytes, "version \(version), \(fill)")
            }
        }
    }

    @Test(arguments: MessageTable.messages)
    func `tagged fields that nobody knows are skipped`(_ shape: MessageShape) throws {
        for version in shape.versions where shape.isFlexible(version) {
            var encoder = TableEncoder(message: shape, version: version)
            let plain = encoder.encode()
            encoder.hasUnknownTags = true
            let rewritten = try rewrite(encoder.encode(), shape, version)
            #expect(rewritten.unread == 0, "version \(version)")
            #expect(rewritten.bytes == plain, "version \(version)")
        }
    }

    @Test(arguments: MessageTable.messages)
    func `a field that a version lacks has its default`(_ shape: MessageShape) throws {
        for (older, newer) in comparableVersions(shape) {
            let bytes = TableEncoder(message: shape, version: older).encode()
            var encoder = TableEncoder(message: shape, version: newer)
            encoder.fieldsOf = older
            let rewritten = try rewrite(bytes, shape, older, writtenAt: newer)
            #expect(rewritten.bytes == encoder.encode(), "version \(older) as \(newer)")
        }
    }

    @Test(arguments: MessageTable.messages)
    func `every truncation is refused`(_ shape: MessageShape) {
        for version in shape.versions {
            for fill in [TableEncoder.Fill.distinct, .nulls] {
                let bytes = TableEncoder(message: shape, version: version, fill: fill).encode()
                bytes.withUnsafeBytes { input in
                    for length in 0..<input.count {
                        let cut = UnsafeRawBufferPointer(rebasing: input[..<length])
                        let read = try? Exchange.body(shape.type, cut, version, writtenAt: version)
                        #expect(read == nil, "version \(version) cut at \(length)")
                    }
                }
            }
        }
    }

    @Test(arguments: MessageTable.messages)
    func `damaged bytes never trap`(_ shape: MessageShape) {
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            for version in shape.versions {
                for fill in TableEncoder.Fill.allCases {
                    let whole = TableEncoder(message: shape, version: version, fill: fill).encode()
                    random.damage(whole).withUnsafeBytes { input in
                        _ = try? Exchange.body(shape.type, input, version, writtenAt: version)
                    }
                    random.flipBit(whole).withUnsafeBytes { input in
                        _ = try? Exchange.body(shape.type, input, version, writtenAt: version)
                    }
                }
            }
        }
    }

    private func rewrite(
        _ bytes: [UInt8],
        _ shape: MessageShape,
        _ version: Int16,
        writtenAt target: Int16? = nil
    ) throws -> Exchange.Rewritten {
        try bytes.withUnsafeBytes { input in
            try Exchange.body(shape.type, input, version, writtenAt: target ?? version)
        }
    }

    /// Versions of which the newer one has what the older one has, at the same place: where a
    /// version moved a field, ours is one value for both, and the table knows two.
    private func comparableVersions(_ shape: MessageShape) -> [(Int16, Int16)] {
        let moves: [Int16] =
            switch (shape.api, shape.isRequest) {
            case (.findCoordinator, _): [4]
            case (.offsetFetch, _): [8]
            case (.leaveGroup, true): [3]
            case (.deleteTopics, true): [6]
            case (.fetch, true): [15]
            // A documentation that nobody sent is nil here, and an empty text in Kafka's own class.
            case (.describeConfigs, false): [3]
            case (_, _): []
            }
        var pairs: [(Int16, Int16)] = []
        for older in shape.versions {
            for newer in shape.versions where newer > older {
                guard !moves.contains(where: { older < $0 && newer >= $0 }) else { continue }
                pairs.append((older, newer))
            }
        }
        return pairs
    }
}
