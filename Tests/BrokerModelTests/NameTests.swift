import BrokerModel
import Testing

@Suite struct NameTests {
    @Test(arguments: ["mqtt", "a", "__gaps", "a.b_c-D9", String(repeating: "x", count: 249)])
    func `a legal topic name is taken`(name: String) {
        #expect(TopicName(name)?.description == name)
    }

    @Test(arguments: ["", ".", "..", "a b", "a/b", "é", String(repeating: "x", count: 250)])
    func `an illegal topic name is refused`(name: String) {
        #expect(TopicName(name) == nil)
    }

    @Test func `a partition folder reads back`() throws {
        let partition = try #require(TopicPartition(folderName: "a-b-12"))
        #expect(partition.topic.description == "a-b" && partition.partition == 12)
        #expect(partition.description == "a-b-12")
    }

    @Test(arguments: ["a", "a-", "-1", "a-01", "a-+1", "a-1.tmp", "a-99999999999"])
    func `a folder that is no partition's is left alone`(name: String) {
        #expect(TopicPartition(folderName: name) == nil)
    }

    @Test func `an id reads back from Kafka's form`() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<100 {
            let id = UUIDBytes.random(using: &generator)
            #expect(UUIDBytes(id.description) == id)
            #expect(id.description.utf8.count == 22 && !id.description.hasPrefix("-"))
        }
        // Kafka's own id of its metadata topic.
        let metadata = UUIDBytes(high: 0, low: 1)
        #expect(metadata.description == "AAAAAAAAAAAAAAAAAAAAAQ")
        #expect(UUIDBytes("AAAAAAAAAAAAAAAAAAAAAR") == nil)  // Bits past the 128th are set.
    }
}
