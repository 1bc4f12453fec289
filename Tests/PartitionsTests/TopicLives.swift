import BrokerModel
import CommitLog
import Partitions

/// A topic that was created stays, as it was made and changed; one that was deleted stays away; and
/// a crash in the middle of any of it leaves it whole or gone, changed or not.
enum TopicLives {
    /// After a start. Settles what was open: from here on it must stay as it was found.
    static func check(_ history: TopicHistory, in store: PartitionStore) throws(Violation) {
        let catalog = TopicCatalogSnapshot(of: store)
        let found = catalog.topic(named: history.name)
        switch history.life {
        case .present:
            guard let found, found.id == history.id else {
                throw Violation(promise: .topics, what: "\(history.name) is gone")
            }
        case .gone:
            guard found == nil || found?.id != history.id else {
                throw Violation(promise: .topics, what: "\(history.name) is back")
            }
            return
        case .beginning, .ending:
            guard let found, found.id == history.id else {
                history.life = .gone
                return
            }
            history.life = .present
        }
        guard let found else { return }
        if let growing = history.growing, found.partitions.count == growing {
            history.grow(to: growing)
        }
        history.growing = nil
        if let changing = history.changing, found.overrides == changing.overrides {
            history.change(changing.overrides, changing.settings)
        }
        history.changing = nil
        guard found.partitions.count == history.partitions.count,
            found.partitions.allSatisfy({ $0 != nil })
        else { throw Violation(promise: .topics, what: "\(history.name) is not whole") }
        guard found.overrides == history.overrides else {
            throw Violation(promise: .topics, what: "\(history.name) lost its settings")
        }
    }
}
