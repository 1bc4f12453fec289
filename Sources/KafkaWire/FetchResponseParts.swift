import BrokerModel

extension FetchResponse {
    /// All that is said about a partition besides its records.
    public struct PartitionHead: Equatable, Sendable {
        public var index: Int32
        public var errorCode = KafkaErrorCode.none
        public var highWatermark = Offset(-1)
        public var lastStableOffset = Offset(-1)
        /// From version 5 on.
        public var logStartOffset = Offset(-1)
        /// Nil is null: what a reader of uncommitted records gets.
        public var abortedTransactions: [AbortedTransaction]?
        /// From version 11 on.
        public var preferredReadReplica: Int32 = -1
        /// Tagged, from version 12 on: where the reader's log parts from ours (KIP-595).
        public var divergingEpoch: EpochEndOffset?
        public var currentLeader: LeaderAndEpoch?
        public var snapshotID: EpochEndOffset?

        public init(index: Int32, errorCode: KafkaErrorCode = .none) {
            self.index = index
            self.errorCode = errorCode
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.fetch.isFlexible(version)
            index = try reader.readFixed()
            errorCode = try reader.readErrorCode()
            highWatermark = Offset(try reader.readFixed())
            lastStableOffset = Offset(try reader.readFixed())
            if version >= 5 { logStartOffset = Offset(try reader.readFixed()) }
            abortedTransactions = try reader.readNullableArray(
                version: version,
                flexible: flexible
            )
            if version >= 11 { preferredReadReplica = try reader.readFixed() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.fetch.isFlexible(version)
            output.writeInteger(index)
            output.writeErrorCode(errorCode)
            output.writeInteger(highWatermark.rawValue)
            output.writeInteger(lastStableOffset.rawValue)
            if version >= 5 { output.writeInteger(logStartOffset.rawValue) }
            output.writeArray(abortedTransactions, version: version, flexible: flexible)
            if version >= 11 { output.writeInteger(preferredReadReplica) }
        }

        /// Writes the error and the offsets again over a head that `write` put at `start`.
        func patch(_ output: inout ByteWriter, at start: Int, version: Int16) {
            output.patchInteger(errorCode.rawValue, at: start &+ 4)
            output.patchInteger(highWatermark.rawValue, at: start &+ 6)
            output.patchInteger(lastStableOffset.rawValue, at: start &+ 14)
            if version >= 5 { output.patchInteger(logStartOffset.rawValue, at: start &+ 22) }
        }

        mutating func readTaggedFields(_ reader: inout ByteReader) throws(KafkaWireError) {
            var fields = try TaggedFields(reading: &reader)
            while var field = try fields.next(&reader) {
                switch field.tag {
                case 0:
                    let epoch = LeaderEpoch(try field.body.readFixed())
                    let end = Offset(try field.body.readFixed())
                    divergingEpoch = EpochEndOffset(epoch: epoch, endOffset: end)
                case 1:
                    let leader: Int32 = try field.body.readFixed()
                    let epoch = LeaderEpoch(try field.body.readFixed())
                    currentLeader = LeaderAndEpoch(leaderID: leader, leaderEpoch: epoch)
                case 2:
                    let end = Offset(try field.body.readFixed())
                    let epoch = LeaderEpoch(try field.body.readFixed())
                    snapshotID = EpochEndOffset(epoch: epoch, endOffset: end)
                default: continue
                }
                try field.body.skipTaggedFields()
                try field.finish()
            }
        }

        func writeTaggedFields(_ output: inout ByteWriter) {
            // Nearly every partition: no scratch memory for it.
            guard divergingEpoch != nil || currentLeader != nil || snapshotID != nil else {
                return output.writeNoTaggedFields()
            }
            var fields = TaggedFieldsWriter()
            if let divergingEpoch {
                fields.add(0) {
                    $0.writeInteger(divergingEpoch.epoch.rawValue)
                    $0.writeInteger(divergingEpoch.endOffset.rawValue)
                    $0.writeNoTaggedFields()
                }
            }
            if let currentLeader {
                fields.add(1) {
                    $0.writeInteger(currentLeader.leaderID)
                    $0.writeInteger(currentLeader.leaderEpoch.rawValue)
                    $0.writeNoTaggedFields()
                }
            }
            if let snapshotID {
                fields.add(2) {
                    $0.writeInteger(snapshotID.endOffset.rawValue)
                    $0.writeInteger(snapshotID.epoch.rawValue)
                    $0.writeNoTaggedFields()
                }
            }
            fields.write(to: &output)
        }
    }

    public struct EpochEndOffset: Equatable, Sendable {
        public var epoch: LeaderEpoch
        public var endOffset: Offset

        public init(epoch: LeaderEpoch, endOffset: Offset) {
            self.epoch = epoch
            self.endOffset = endOffset
        }
    }

    public struct AbortedTransaction: Equatable, Sendable, WireElement {
        public var producerID: Int64
        public var firstOffset: Offset

        static let bytesMin = 16

        public init(producerID: Int64, firstOffset: Offset) {
            self.producerID = producerID
            self.firstOffset = firstOffset
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            producerID = try reader.readFixed()
            firstOffset = Offset(try reader.readFixed())
            if KafkaAPI.fetch.isFlexible(version) { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(producerID)
            output.writeInteger(firstOffset.rawValue)
            if KafkaAPI.fetch.isFlexible(version) { output.writeNoTaggedFields() }
        }
    }
}
