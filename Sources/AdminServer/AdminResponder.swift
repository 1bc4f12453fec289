import BrokerModel

/// What the server shows, made anew for each request. Called on the server's own thread.
package struct AdminPages: Sendable {
    package var metrics: @Sendable () -> MetricsPage
    package var health: @Sendable () -> HealthReport
    /// JSON.
    package var status: @Sendable () -> [UInt8]

    package init(
        metrics: @escaping @Sendable () -> MetricsPage,
        health: @escaping @Sendable () -> HealthReport,
        status: @escaping @Sendable () -> [UInt8]
    ) {
        self.metrics = metrics
        self.health = health
        self.status = status
    }
}

/// One HTTP answer, without a word about HTTP's framing.
package struct AdminAnswer: Sendable {
    package var status: Int
    package var contentType: String
    /// The methods that the path allows, where another one was tried.
    package var allow = ""
    package var body: [UInt8]
}

/// Says what each path answers.
package struct AdminResponder: Sendable {
    private let pages: AdminPages

    private static let json = "application/json"
    /// The exposition format 0.0.4, which every Prometheus reads.
    private static let prometheus = "text/plain; version=0.0.4; charset=utf-8"

    package init(pages: AdminPages) { self.pages = pages }

    package func answer(method: String, path: String, bodyBytes: Int = 0) -> AdminAnswer {
        guard let page = page(at: path) else {
            return Self.error(
                404,
                "there is nothing at this path; try /metrics, /health/live, /health/ready or "
                    + "/api/v1/status"
            )
        }
        guard method == "GET" || method == "HEAD" else {
            var answer = Self.error(405, "\(path) only answers GET and HEAD")
            answer.allow = "GET, HEAD"
            return answer
        }
        guard bodyBytes <= AdminServerLimits.bodyBytesMax else {
            return Self.error(413, "a request here needs no body")
        }
        return page()
    }

    private func page(at path: String) -> (() -> AdminAnswer)? {
        switch path {
        case "/metrics":
            { .init(status: 200, contentType: Self.prometheus, body: pages.metrics().bytes) }
        case "/api/v1/status":
            { .init(status: 200, contentType: Self.json, body: pages.status()) }
        case "/health/live":
            {
                let health = pages.health()
                return Self.health(health, isWell: health.isLive, "live")
            }
        case "/health/ready":
            {
                let health = pages.health()
                return Self.health(health, isWell: health.isReady, "ready")
            }
        default: nil
        }
    }

    private static func health(
        _ health: HealthReport,
        isWell: Bool,
        _ name: String
    ) -> AdminAnswer {
        let body = JSONValue.object([
            ("status", .string(isWell ? name : "not \(name)")),
            ("phase", .string(health.phase.rawValue)),
            (
                "reasons",
                .array(
                    health.reasons.map {
                        .object([
                            ("kind", .string($0.kind.rawValue)), ("what", .string($0.what)),
                            ("remedy", .string($0.remedy)),
                        ])
                    }
                )
            ),
        ])
        return AdminAnswer(status: isWell ? 200 : 503, contentType: json, body: body.line)
    }

    private static func error(_ status: Int, _ words: String) -> AdminAnswer {
        let body = JSONValue.object([("error", .string(words))])
        return AdminAnswer(status: status, contentType: json, body: body.line)
    }
}
