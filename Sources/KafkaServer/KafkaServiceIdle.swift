import BrokerModel
import CommitLog
import EventLoop

// Ends the connections of clients that ask for nothing.
extension KafkaService {
    /// One pass over all connections now and then costs less than a timer for each.
    func watchIdleConnections() {
        guard idleTimer == nil, let limit = settings.idleMax.duration else { return }
        let interval = min(.seconds(30), limit / 4)
        idleTimer = loop.schedule(at: loop.now + interval) { [weak self] in
            self?.closeIdleConnections()
        }
    }

    private func closeIdleConnections() {
        idleTimer = nil
        guard let limit = settings.idleMax.duration else { return }
        let oldest = loop.now.rawValue &- limit.nanoseconds
        for handler in handlers.values
        where handler.lastRequest.rawValue <= oldest && handler.isIdle {
            counters.idle.add()
            handler.connection.close(.timedOut(.keepAlive))
        }
        if !handlers.isEmpty { watchIdleConnections() }
    }
}
