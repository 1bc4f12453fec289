import AdminServer
import BrokerModel
import Testing

@Suite struct MetricsPageTests {
    private func lines(_ fill: (inout MetricsPage) -> Void) -> [String] {
        var page = MetricsPage()
        fill(&page)
        return String(decoding: page.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func `a metric is one HELP, one TYPE and a line for each sample`() {
        let page = lines {
            $0.counter(
                "headwater_drops_total",
                "What was dropped.",
                [MetricSample("face", "mqtt", 3), MetricSample("face", "kafka", 0)]
            )
        }
        #expect(
            page == [
                "# HELP headwater_drops_total What was dropped.",
                "# TYPE headwater_drops_total counter",
                "headwater_drops_total{face=\"mqtt\"} 3",
                "headwater_drops_total{face=\"kafka\"} 0",
            ]
        )
    }

    @Test func `a metric without a sample is left out`() {
        #expect(lines { $0.gauge("empty", "Nothing.", []) } == [])
    }

    @Test func `a label's value cannot end the line or the label`() {
        let page = lines {
            $0.gauge("g", "One\nline \\ \"quoted\".", [MetricSample("l", "a\"b\\c\nd", 1)])
        }
        #expect(page.first == "# HELP g One\\nline \\\\ \"quoted\".")
        #expect(page.last == "g{l=\"a\\\"b\\\\c\\nd\"} 1")
    }

    @Test(arguments: [
        (0.0, "0"), (1e15, "1000000000000000"), (0.25, "0.25"), (-2, "-2"),
        (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
    ])
    func `a number is written as Prometheus reads it`(value: Double, text: String) {
        #expect(lines { $0.gauge("g", "G.", value) }.last == "g \(text)")
    }

    @Test func `a histogram's buckets add up and end at infinity`() {
        let histogram = LatencyHistogram()
        histogram.observe(.microseconds(1))
        histogram.observe(.milliseconds(1))
        histogram.observe(.seconds(60))
        let page = lines {
            $0.histogram("h_seconds", "H.", [([("loop", "a")], histogram.snapshot)])
        }
        let buckets = page.filter { $0.hasPrefix("h_seconds_bucket") }
        #expect(buckets.count == LatencyHistogram.bounds.count + 1)
        #expect(buckets.first == "h_seconds_bucket{loop=\"a\",le=\"1.6384e-05\"} 1")
        #expect(buckets.contains("h_seconds_bucket{loop=\"a\",le=\"0.001048576\"} 2"))
        #expect(buckets.last == "h_seconds_bucket{loop=\"a\",le=\"+Inf\"} 3")
        #expect(page.contains("h_seconds_count{loop=\"a\"} 3"))
        #expect(page.contains("h_seconds_sum{loop=\"a\"} 60.001001"))
    }
}
