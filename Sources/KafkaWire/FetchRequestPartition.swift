import BrokerModel

extension FetchRequest {
    /// One partition to read, from `fetchOffset` on.
    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .fetch }
        static var topicIDVersionMin: Int16? { 13 }

        public var index: Int32
        /// From version 9 on: the leader epoch that the reader believes in.
        public var currentLeaderEpoch = LeaderEpoch.none
        public var fetchOffset: Offset
        /// From version 12 on: the epoch of the last record that the reader has.
        public var lastFetchedEpoch = LeaderEpoch.none
        /// A replica's own log start offset, from version 5 on.
        public var logStartOffset = Offset(-1)
        public var bytesMax: Int32
        /// Replicas only, tagged, from version 17 and 18 on.
        public var replicaDirectoryID = UUIDBytes.zero
        public var replicaHighWatermark = Self.highWatermarkUnsupported

        public static let highWatermarkUnsupported = Offset(.max)
        static let bytesMin = 16

        public init(index: Int32, fetchOffset: Offset, bytesMax: Int32) {
            self.index = index
            self.fetchOffset = fetchOffset
            self.bytesMax = bytesMax
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
            if version >= 9 { currentLeaderEpoch = LeaderEpoch(try reader.readFixed()) }
            fetchOffset = Offset(try reader.readFixed())
            if version >= 12 { lastFetchedEpoch = LeaderEpoch(try reader.readFixed()) }
            if version >= 5 { logStartOffset = Offset(try reader.readFixed()) }
            bytesMax = try reader.readFixed()
            if KafkaAPI.fetch.isFlexible(version) { try readTaggedFields(&reader, version) }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            if version >= 9 { output.writeInteger(currentLeaderEpoch.rawValue) }
            output.writeInteger(fetchOffset.rawValue)
            if version >= 12 { output.writeInteger(lastFetchedEpoch.rawValue) }
            if version >= 5 { output.writeInteger(logStartOffset.rawValue) }
            output.writeInteger(bytesMax)
            if KafkaAPI.fetch.isFlexible(version) { writeTaggedFields(&output, version) }
        }

        private mutating func readTaggedFields(
            _ reader: inout ByteReader,
            _ version: Int16
        ) throws(KafkaWireError) {
            var fields = try TaggedFields(reading: &reader)
            while var field = try fields.next(&reader) {
                switch field.tag {
                case 0 where version >= 17: replicaDirectoryID = try field.body.readUUID()
                case 1 where version >= 18:
                    replicaHighWatermark = Offset(try field.body.readFixed())
                default: continue
                }
                try field.finish()
            }
        }

        private func writeTaggedFields(_ output: inout ByteWriter, _ version: Int16) {
            let hasDirectory = version >= 17 && replicaDirectoryID != .zero
            let hasHighWatermark =
                version >= 18 && replicaHighWatermark != Self.highWatermarkUnsupported
            guard hasDirectory || hasHighWatermark else { return output.writeNoTaggedFields() }
            var fields = TaggedFieldsWriter()
            if hasDirectory { fields.add(0) { $0.writeUUID(replicaDirectoryID) } }
            if hasHighWatermark {
                fields.add(1) { $0.writeInteger(replicaHighWatermark.rawValue) }
            }
            fields.write(to: &output)
        }
    }
}
