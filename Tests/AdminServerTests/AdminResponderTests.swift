import AdminServer
import BrokerModel
import Testing

@Suite struct AdminResponderTests {
    private func responder(_ phase: HealthFacts.Phase = .serving) -> AdminResponder {
        AdminResponder(
            pages: AdminPages(
                metrics: {
                    var page = MetricsPage()
                    page.gauge("g", "G.", 1)
                    return page
                },
                health: {
                    var facts = HealthFacts()
                    facts.phase = phase
                    return HealthReport(facts, bounds: HealthBounds())
                },
                status: { Array("{}\n".utf8) }
            )
        )
    }

    private func text(_ answer: AdminAnswer) -> String {
        String(decoding: answer.body, as: UTF8.self)
    }

    @Test func `metrics come in the format that Prometheus asks for`() {
        let answer = responder().answer(method: "GET", path: "/metrics")
        #expect(answer.status == 200)
        #expect(answer.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(text(answer).hasSuffix("g 1\n"))
    }

    @Test func `health is 200 or 503, with every reason and its remedy`() {
        #expect(responder().answer(method: "GET", path: "/health/ready").status == 200)
        let starting = responder(.starting)
        #expect(starting.answer(method: "GET", path: "/health/live").status == 200)
        let answer = starting.answer(method: "GET", path: "/health/ready")
        #expect(answer.status == 503)
        #expect(text(answer).hasPrefix(#"{"status":"not ready","phase":"starting","reasons":["#))
        #expect(text(answer).contains(#""remedy":"wait;"#))
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "get"])
    func `another method is refused with those that are allowed`(method: String) {
        let answer = responder().answer(method: method, path: "/metrics")
        #expect(answer.status == 405 && answer.allow == "GET, HEAD")
        #expect(text(answer).hasPrefix(#"{"error":"#))
    }

    @Test(arguments: ["/", "/metrics/", "/health", "/api/v1", "/../etc/passwd", ""])
    func `another path is refused with those that there are`(path: String) {
        let answer = responder().answer(method: "GET", path: path)
        #expect(answer.status == 404 && answer.contentType == "application/json")
        #expect(text(answer).contains("/health/ready"))
    }

    @Test func `a body that nobody needs is refused`() {
        let answer = responder().answer(method: "GET", path: "/metrics", bodyBytes: 1 << 20)
        #expect(answer.status == 413)
    }
}
