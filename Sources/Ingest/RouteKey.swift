import BrokerModel

/// What a route takes as the record's key.
package enum RouteKey: Equatable, Sendable {
    case none
    case template(RouteTemplate)
    /// A field of a JSON payload.
    case json(JSONPath)

    package static let topic = RouteKey.wholeTopic
    private static let wholeTopic: RouteKey =
        RouteTemplate("{topic}").map { .template($0) } ?? .none

    /// The levels and the client that it needs; nil when it needs the payload or nothing.
    var template: RouteTemplate? {
        if case .template(let template) = self { template } else { nil }
    }
}

extension RouteKey: ConfigurationValue {
    static let allowedText =
        "topic | client | none | level N | json:FIELD.FIELD | a text with {1}, {2}, {topic}, "
        + "{client}"

    package init?(configurationText text: String) {
        if text == "none" {
            self = .none
        } else if text == "topic" || text == "client" {
            guard let template = RouteTemplate("{\(text)}") else { return nil }
            self = .template(template)
        } else if text.hasPrefix("level ") {
            let number = text.dropFirst("level ".count)
            guard number != "topic", number != "client", let template = RouteTemplate("{\(number)}")
            else { return nil }
            self = .template(template)
        } else if text.hasPrefix("json:") {
            guard let path = JSONPath(String(text.dropFirst("json:".count))) else { return nil }
            self = .json(path)
        } else {
            // A key that is the same for all records would put all of them into one partition.
            guard let template = RouteTemplate(text), !template.isLiteral else { return nil }
            self = .template(template)
        }
    }

    package var configurationText: String {
        switch self {
        case .none: "none"
        case .json(let path): "json:\(path.text)"
        case .template(let template) where template.text == "{topic}": "topic"
        case .template(let template) where template.text == "{client}": "client"
        case .template(let template): template.text
        }
    }
}
