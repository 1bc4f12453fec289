// KafkaWire turns bytes of the Kafka protocol into values and back.
//
// Start at `KafkaFrame`, which finds one length-prefixed frame in a stream, and at
// `KafkaRequestHeader`, which says what the frame holds. Then one file an API, or two where request
// and response are long: `Metadata`, `ListOffsets`, `JoinGroupRequest`. Each value reads itself
// from a `ByteReader` and writes itself to a `ByteWriter`, for every version in
// `KafkaAPI.versions`, in both directions, so that the server, our own clients and the tests share
// one description. Where old versions carry one of what newer ones carry many, both are one value
// with an array.
//
// A frame is decoded only when it is whole, so missing bytes inside it are an error and not a
// reason to wait. Lengths and counts are held against the bytes at hand before anything is
// allocated. Record batches are never looked into here: a Fetch response takes them as bytes that
// its caller appends in place. Tagged fields that we do not know are stepped over (KIP-482).

/// What this module refuses, whatever the settings of a server say.
public enum KafkaWireLimits {
    /// Elements of one array. A gateway has no use for more, and each costs memory.
    public static let arrayElementsMax = 1 << 16
    /// The longest string: what two bytes of length can say, in every version.
    public static let stringBytesMax = Int(Int16.max)
    /// The longest frame that Kafka's four-byte length can announce.
    public static let frameBytesMax = Int(Int32.max)
}
