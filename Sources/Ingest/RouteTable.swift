import BrokerModel
import MQTTWire

/// Says which route takes a publish: the first, in the order of the file, whose filter matches and
/// whose topic name can be made of it.
public struct RouteTable: Sendable {
    package let routes: [Route]

    package init(_ routes: [Route] = Route.everything) {
        self.routes = routes
    }

    /// The one route there is, when it takes everything to one topic and adds nothing: then a
    /// publish need not be looked up.
    var catchAll: Route? {
        guard let first = routes.first, first.filter.pattern == "#", first.topic.literal != nil,
            first.headers.isEmpty, first.key == .none || first.key == .topic
        else { return nil }
        return first
    }

    /// The route's place, with its topic's name written to `name`. Nil when none takes it.
    func route(_ publish: RoutedPublish, name: inout ByteWriter) -> Int? {
        for (index, route) in routes.enumerated() where route.filter.matches(publish.topic) {
            name.removeAll()
            if route.topic.write(publish, to: &name) { return index }
        }
        return nil
    }

    /// Whether any route looks at who publishes before the one that takes this publish is known.
    func dependsOnClient(_ publish: RoutedPublish) -> Bool {
        for route in routes where route.filter.matches(publish.topic) {
            if route.usesClient { return true }
            if route.topic.literal != nil { return false }
        }
        return false
    }

    /// Whether a topic of this name is one that a route derives from what devices send.
    func derives(_ name: TopicName) -> Bool {
        routes.contains { $0.topic.isDerived && $0.topic.yields(name) }
    }
}

extension TopicFilter {
    /// Whether a topic name matches (4.7). A leading wildcard takes no topic that begins with `$`
    /// (4.7.2).
    package func matches(_ topic: UnsafeRawBufferPointer) -> Bool {
        pattern.bytes.withUnsafeBytes { Self.matches($0, topic) }
    }

    private static func matches(
        _ pattern: UnsafeRawBufferPointer,
        _ topic: UnsafeRawBufferPointer
    ) -> Bool {
        let (slash, plus, hash) = (UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: "#"))
        if topic.first == UInt8(ascii: "$"), pattern.first == plus || pattern.first == hash {
            return false
        }
        var at = 0
        var place = 0
        while true {
            if at < pattern.count, pattern[at] == hash { return true }
            if at < pattern.count, pattern[at] == plus {
                at &+= 1
                while place < topic.count, topic[place] != slash { place &+= 1 }
            } else {
                while at < pattern.count, pattern[at] != slash {
                    guard place < topic.count, topic[place] == pattern[at] else { return false }
                    at &+= 1
                    place &+= 1
                }
            }
            guard at < pattern.count else { return place == topic.count }
            // The pattern goes on. `a/#` takes `a` as well (4.7.1.2).
            guard place < topic.count else {
                return at &+ 2 == pattern.count && pattern[at &+ 1] == hash
            }
            guard topic[place] == slash else { return false }
            at &+= 1
            place &+= 1
        }
    }
}
