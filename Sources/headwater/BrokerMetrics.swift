import AdminServer
import ArgumentParser
import BrokerModel
import CommitLog
import EventLoop
import Posix

/// Turns the counters of all modules into metrics. Names begin with `headwater_`, but for those
/// that every program has under one name.
struct BrokerMetrics {
    let vitals: BrokerVitals
    let partitionsMax: Int

    func page() -> MetricsPage {
        var page = MetricsPage()
        process(&page)
        health(&page)
        pools(&page)
        loops(&page)
        storage(&page)
        partitions(&page)
        mqtt(&page)
        ingest(&page)
        kafka(&page)
        kafkaLog(&page)
        kafkaSessions(&page)
        groups(&page)
        return page
    }

    private func process(_ page: inout MetricsPage) {
        let used = ProcessResources()
        let uptime = vitals.uptime.inSeconds
        page.gauge(
            "headwater_build_info",
            "Always 1; the label says which version runs.",
            [MetricSample("version", Headwater.configuration.version, 1)]
        )
        page.gauge("headwater_uptime_seconds", "Time since the broker began to start.", uptime)
        page.gauge(
            "process_start_time_seconds",
            "When the process started, by today's clock, since 1970.",
            // Counted back from now: the clock may have been wrong at the start.
            Double(SystemClock.wallMilliseconds) / 1_000 - uptime
        )
        page.counter(
            "process_cpu_seconds_total",
            "Processor time of all threads, user and system.",
            [MetricSample([], (used.cpuUser + used.cpuSystem).inSeconds)]
        )
        page.gauge("process_open_fds", "Open descriptors.", Double(used.openDescriptors))
        page.gauge("process_max_fds", "Descriptors allowed.", Double(used.descriptorsMax))
        page.gauge(
            "process_resident_memory_bytes",
            "Memory that is in RAM, files that are mapped included.",
            Double(used.residentBytes)
        )
        page.gauge("process_virtual_memory_bytes", "Address space.", Double(used.virtualBytes))
    }

    private func health(_ page: inout MetricsPage) {
        let health = vitals.health
        page.gauge(
            "headwater_ready",
            "1 while data moves, as /health/ready says; else 0.",
            health.isReady ? 1 : 0
        )
        let kinds = HealthReport.Kind.allCases.map { kind in
            MetricSample(
                "kind",
                kind.rawValue,
                health.reasons.count { $0.kind == kind }
            )
        }
        page.gauge("headwater_health_problems", "Reasons why the broker is not ready.", kinds)
    }

    private func pools(_ page: inout MetricsPage) {
        func rows(_ value: (MemoryPool) -> Int) -> [MetricSample] {
            vitals.pools.all.map { MetricSample("pool", $0.name, value($0)) }
        }
        page.gauge(
            "headwater_memory_pool_used_bytes",
            "Memory taken from a pool; it may briefly pass the capacity.",
            rows { $0.used.rawValue }
        )
        page.gauge(
            "headwater_memory_pool_capacity_bytes",
            "What a pool has.",
            rows { $0.capacity.rawValue }
        )
        page.counter(
            "headwater_memory_pool_refusals_total",
            "How often a pool was full; whoever asked then waited or dropped.",
            rows(\.refusalCount)
        )
    }

    private func loops(_ page: inout MetricsPage) {
        let now = MonotonicTime.current
        func rows(_ counter: (EventLoopCounters) -> Counter) -> [MetricSample] {
            vitals.loops.map { MetricSample("loop", $0.name, counter($0.counters).count) }
        }
        page.histogram(
            "headwater_loop_turn_duration_seconds",
            "How long one iteration of an event loop worked.",
            vitals.loops.map { ([("loop", $0.name)], $0.counters.turns.snapshot) }
        )
        page.gauge(
            "headwater_loop_silence_seconds",
            "How long an event loop has been owing a sign of life.",
            vitals.loops.map {
                MetricSample([("loop", $0.name)], $0.pulse.silence(at: now).inSeconds)
            }
        )
        page.gauge(
            "headwater_connections",
            "Open connections.",
            vitals.loops.map { MetricSample("loop", $0.name, $0.counters.open) }
        )
        page.counter(
            "headwater_connections_accepted_total",
            "Connections accepted.",
            rows(\.accepted)
        )
        page.counter(
            "headwater_connections_refused_total",
            "Connections refused because there were too many.",
            rows(\.refused)
        )
        page.counter(
            "headwater_connections_timed_out_total",
            "Connections cut because their peer was too slow.",
            rows(\.timedOut)
        )
        page.counter(
            "headwater_network_received_bytes_total",
            "Bytes received.",
            rows(\.bytesReceived)
        )
        page.counter("headwater_network_sent_bytes_total", "Bytes sent.", rows(\.bytesSent))
        page.counter(
            "headwater_loop_wake_ups_total",
            "How often another thread had to wake an event loop.",
            rows(\.wakeUps)
        )
        page.counter(
            "headwater_input_waits_total",
            "How often a connection had to wait for input memory.",
            rows(\.inputWaits)
        )
        page.counter(
            "headwater_output_refusals_total",
            "Writes refused: no output memory, or a peer that reads too slowly.",
            rows(\.outputRefused)
        )
    }
}
