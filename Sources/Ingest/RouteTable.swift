import BrokerModel
import Partitions

/// Says which topic a publish goes to.
///
/// There is one route, `#` to the topic `mqtt`. By MQTT's rule (MQTT 5, 4.7.2) a filter that begins
/// with a wildcard does not match topics that begin with `$`, so those have no route.
public struct RouteTable: Sendable {
    public static let defaultTopic = "mqtt"

    private let target: PartitionHandle?

    /// Without a target nothing has a route.
    public init(everythingTo target: PartitionHandle?) {
        self.target = target
    }

    /// Nil when no route takes this topic.
    public func route(_ topic: UnsafeRawBufferPointer) -> PartitionHandle? {
        topic.first == UInt8(ascii: "$") ? nil : target
    }
}
