import BrokerModel

/// One value of a metric, told apart from its siblings by labels.
package struct MetricSample: Sendable {
    package var labels: [(name: String, value: String)]
    package var value: Double

    package init(_ labels: [(name: String, value: String)] = [], _ value: Double) {
        self.labels = labels
        self.value = value
    }

    package init(_ name: String, _ label: String, _ value: Int) {
        self.init([(name, label)], Double(value))
    }
}

/// A page in Prometheus's text format, version 0.0.4. Each metric is written once, with all its
/// samples; a counter's name ends in `_total`, and times and sizes are seconds and bytes.
package struct MetricsPage: Sendable {
    private var text = ""

    package init() {}

    package var bytes: [UInt8] { Array(text.utf8) }

    package mutating func counter(_ name: String, _ help: String, _ counter: Counter) {
        self.counter(name, help, counter.count)
    }

    package mutating func counter(_ name: String, _ help: String, _ value: Int) {
        counter(name, help, [MetricSample([], Double(value))])
    }

    /// One counter a value of the label.
    package mutating func counter(
        _ name: String,
        _ help: String,
        by label: String,
        _ counters: [(value: String, counter: Counter)]
    ) {
        counter(name, help, counters.map { MetricSample(label, $0.value, $0.counter.count) })
    }

    package mutating func counter(_ name: String, _ help: String, _ samples: [MetricSample]) {
        family(name, "counter", help, samples)
    }

    package mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        gauge(name, help, [MetricSample([], value)])
    }

    package mutating func gauge(_ name: String, _ help: String, _ samples: [MetricSample]) {
        family(name, "gauge", help, samples)
    }

    /// A histogram of durations, in seconds.
    package mutating func histogram(
        _ name: String,
        _ help: String,
        _ rows: [(labels: [(name: String, value: String)], LatencyHistogram.Snapshot)]
    ) {
        head(name, "histogram", help)
        let bounds = LatencyHistogram.bounds.map { Self.number($0.inSeconds) } + ["+Inf"]
        for (labels, snapshot) in rows {
            var total = 0
            for (bound, count) in zip(bounds, snapshot.counts) {
                total += count
                sample(name + "_bucket", labels + [("le", bound)], Double(total))
            }
            sample(name + "_sum", labels, snapshot.sum.inSeconds)
            sample(name + "_count", labels, Double(total))
        }
    }

    private mutating func family(
        _ name: String,
        _ type: String,
        _ help: String,
        _ samples: [MetricSample]
    ) {
        guard !samples.isEmpty else { return }
        head(name, type, help)
        for one in samples { sample(name, one.labels, one.value) }
    }

    private mutating func head(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(type)\n"
    }

    private mutating func sample(
        _ name: String,
        _ labels: [(name: String, value: String)],
        _ value: Double
    ) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
            text += "{" + pairs.joined(separator: ",") + "}"
        }
        text += " " + Self.number(value) + "\n"
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int(exactly: value).map(String.init) ?? "\(value)"
    }

    private static func escaped(_ words: String, quotes: Bool) -> String {
        var text = ""
        for scalar in words.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\"" where quotes: text += "\\\""
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension Duration {
    package var inSeconds: Double { Double(nanoseconds) / 1_000_000_000 }
}
