import BrokerModel
import CommitLog
import KafkaWire
import Partitions

/// What AlterConfigs and IncrementalAlterConfigs (KIP-339) have in common.
struct ConfigAlterations {
    struct Resource {
        let type: ConfigResourceType
        let name: String
        let changes: [Change]
    }

    struct Change {
        let key: String
        let operation: ConfigOperation
        let value: String?
    }

    let resources: [Resource]
    let validatesOnly: Bool
    /// Whether a key that is not named goes back to its default.
    let replacesAll: Bool

    init(_ request: AlterConfigsRequest) {
        resources = request.resources.map { resource in
            let changes = resource.settings.map {
                Change(key: $0.name, operation: .set, value: $0.value)
            }
            return Resource(type: resource.type, name: resource.name, changes: changes)
        }
        validatesOnly = request.validatesOnly
        replacesAll = true
    }

    init(_ request: IncrementalAlterConfigsRequest) {
        resources = request.resources.map { resource in
            let changes = resource.settings.map {
                Change(key: $0.name, operation: $0.operation, value: $0.value)
            }
            return Resource(type: resource.type, name: resource.name, changes: changes)
        }
        validatesOnly = request.validatesOnly
        replacesAll = false
    }
}

/// A topic's settings as the storage loop is asked to change them; nil means the default.
struct TopicAlterationPlan: Equatable {
    let name: TopicName
    let changes: [String: String?]
    let validatesOnly: Bool
}

// Which settings may be changed, and what is answered once they are.
extension BrokerAnswers {
    /// What each resource of the request comes to, in order; nil where nothing is asked.
    func plans(
        of alterations: ConfigAlterations
    ) -> [Result<TopicAlterationPlan?, TopicRefusal>] {
        var counts: [[String]: Int] = [:]
        for resource in alterations.resources { counts[identifier(of: resource), default: 0] += 1 }
        return alterations.resources.map { resource in
            do throws(TopicRefusal) {
                guard counts[identifier(of: resource)] == 1 else {
                    throw TopicRefusal(.invalidRequest, "the resource is named more than once")
                }
                return .success(try plan(resource, alterations))
            } catch {
                return .failure(error)
            }
        }
    }

    private func identifier(of resource: ConfigAlterations.Resource) -> [String] {
        ["\(resource.type.rawValue)", resource.name]
    }

    private func plan(
        _ resource: ConfigAlterations.Resource,
        _ alterations: ConfigAlterations
    ) throws(TopicRefusal) -> TopicAlterationPlan? {
        guard Set(resource.changes.map(\.key)).count == resource.changes.count else {
            throw TopicRefusal(.invalidRequest, "a key is named more than once")
        }
        if let change = resource.changes.first(where: { $0.value == nil && $0.operation != .delete }
        ) {
            throw TopicRefusal(.invalidRequest, "\(change.key) has no value")
        }
        switch resource.type {
        case .topic:
            guard !resource.name.isEmpty else {
                throw TopicRefusal(.invalidRequest, "topics have no default resource; name one")
            }
            let topic = try topic(named: resource.name)
            var changes = alterations.replacesAll ? forgotten(of: topic) : [:]
            for change in resource.changes {
                changes.updateValue(try value(after: change, topic), forKey: change.key)
            }
            return TopicAlterationPlan(
                name: topic.name,
                changes: changes,
                validatesOnly: alterations.validatesOnly
            )
        case .broker:
            if !resource.name.isEmpty { try checkIsOurs(broker: resource.name) }
            guard let change = resource.changes.first else { return nil }
            throw refusal(ofBroker: change.key)
        default: throw TopicRefusal.noSettings(resource.type)
        }
    }

    /// All that the topic has set goes, unless the request names it.
    private func forgotten(of topic: TopicEntry) -> [String: String?] {
        let known = TopicSettings.keys.lazy.map(\.name).filter { topic.overrides[$0] != nil }
        return Dictionary(uniqueKeysWithValues: known.map { ($0, String?.none) })
    }

    private func value(
        after change: ConfigAlterations.Change,
        _ topic: TopicEntry
    ) throws(TopicRefusal) -> String? {
        switch change.operation {
        case .set: return change.value
        case .delete: return nil
        case .append, .subtract:
            guard let key = TopicSettings.keys.first(where: { $0.name == change.key }) else {
                let error = TopicSettingsError(key: change.key, value: "", allowed: nil)
                throw TopicRefusal(.badSetting(error))
            }
            guard key.type == .list else {
                throw TopicRefusal(.invalidConfig, "\(key.name) is no list of values")
            }
            var elements = elements(of: key.text(in: topic.settings))
            let named = self.elements(of: change.value ?? "")
            if change.operation == .append {
                elements += named.filter { !elements.contains($0) }
            } else {
                elements.removeAll { named.contains($0) }
            }
            return elements.joined(separator: ",")
        default:
            throw TopicRefusal(
                .invalidRequest,
                "there is no operation \(change.operation.rawValue) on a setting"
            )
        }
    }

    private func elements(of list: String) -> [String] {
        list.split(separator: ",").map { element in
            String(element.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    private func refusal(ofBroker key: String) -> TopicRefusal {
        guard configuration.settings.contains(where: { $0.name == key }) else {
            return TopicRefusal(.invalidRequest, "the broker has no setting '\(key)'")
        }
        return TopicRefusal(
            .invalidRequest,
            "\(key) cannot change while the broker runs; set it in the configuration file, "
                + "headwater.yaml, and start the broker again"
        )
    }

    /// What became of each resource; nil is well.
    func refusals(
        of alterations: ConfigAlterations,
        _ front: FrontTopics
    ) -> [TopicRefusal?] {
        zip(alterations.resources, plans(of: alterations)).map { resource, plan in
            let name = resource.type == .topic ? TopicName(resource.name) : nil
            switch (name.flatMap { front.outcomes[$0] }, plan) {
            case (.success, _): return nil
            case (.failure(let error), _): return TopicRefusal(error)
            case (nil, .failure(let refusal)): return refusal
            case (nil, .success(nil)): return nil
            case (nil, .success): return .timedOut
            }
        }
    }

    func altered(
        _ alterations: ConfigAlterations,
        _ front: FrontTopics
    ) -> AlterConfigsResponse {
        let refusals = refusals(of: alterations, front)
        let results = zip(alterations.resources, refusals).map { resource, refusal in
            var result = AlterConfigsResponse.Result(type: resource.type, name: resource.name)
            result.errorCode = refusal?.code ?? .none
            result.errorMessage = refusal?.message
            return result
        }
        return AlterConfigsResponse(results: results)
    }

    func alteredIncrementally(
        _ alterations: ConfigAlterations,
        _ front: FrontTopics
    ) -> IncrementalAlterConfigsResponse {
        let refusals = refusals(of: alterations, front)
        let results = zip(alterations.resources, refusals).map { resource, refusal in
            var result = IncrementalAlterConfigsResponse.Result(
                type: resource.type,
                name: resource.name
            )
            result.errorCode = refusal?.code ?? .none
            result.errorMessage = refusal?.message
            return result
        }
        return IncrementalAlterConfigsResponse(results: results)
    }
}
