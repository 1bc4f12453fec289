// swift-tools-version: 6.2
import PackageDescription

// One line a target; the order is the order of the layers in docs/ARCHITECTURE.md, lowest first.
// A target imports only what stands above its own line here.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // Tests run with the checks; docs/decisions/0005 says what they cost and why release goes
    // without.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

func layer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name + "Tests", dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "headwater",
    products: [
        .executable(name: "headwater", targets: ["headwater"]),
        .executable(name: "headwater-bench", targets: ["headwater-bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.0.0"),
    ],
    targets: [
        // 0: C
        .target(name: "CPosix"),
        .target(name: "CChecksum"),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLz4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CSnappy", pkgConfig: "snappy", providers: [.apt(["libsnappy-dev"])]),
        // 1: words; C lent out
        layer("BrokerModel", []),
        layer("Posix", ["CPosix"]),
        // 2: bytes <-> values
        layer("MQTTWire", ["BrokerModel"]),
        layer(
            "RecordFormat",
            ["BrokerModel", "CChecksum", "CLz4", "CSnappy", "CZlib", "CZstd"]
        ),
        layer("KafkaWire", ["BrokerModel"]),
        // 3: decisions
        layer("MQTTSessions", ["BrokerModel", "MQTTWire"]),
        layer("KafkaSessions", ["BrokerModel", "KafkaWire"]),
        // 4: files | sockets, timers
        layer("CommitLog", ["BrokerModel", "Posix", "RecordFormat"]),
        layer("EventLoop", ["BrokerModel", "Posix"]),
        // 5: shards, mailboxes
        layer(
            "Partitions",
            ["BrokerModel", "CommitLog", "EventLoop", "KafkaWire", "Posix", "RecordFormat"]
        ),
        // 6: routes, configuration
        layer(
            "Ingest",
            ["BrokerModel", "CommitLog", "EventLoop", "MQTTWire", "Partitions", "RecordFormat"]
        ),
        layer(
            "BrokerConfiguration",
            ["BrokerModel", .product(name: "Yams", package: "Yams")]
        ),
        // 7: peers
        layer(
            "MQTTServer",
            [
                "BrokerModel", "CommitLog", "EventLoop", "Ingest", "MQTTSessions", "MQTTWire",
                "Partitions", "Posix", "RecordFormat",
            ]
        ),
        layer(
            "KafkaServer",
            [
                "BrokerModel", "CommitLog", "EventLoop", "KafkaSessions", "KafkaWire", "Partitions",
                "Posix", "RecordFormat",
            ]
        ),
        layer(
            "AdminServer",
            [
                "BrokerModel",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        // 8: the roots
        .executableTarget(
            name: "headwater",
            dependencies: [
                "AdminServer", "BrokerConfiguration", "BrokerModel", "CommitLog", "EventLoop",
                "Ingest", "KafkaServer", "KafkaSessions", "KafkaWire", "MQTTServer", "MQTTSessions",
                "MQTTWire", "Partitions", "Posix", "RecordFormat",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "headwater-bench",
            dependencies: [
                "BrokerModel", "CommitLog", "EventLoop", "Ingest", "KafkaWire", "MQTTWire",
                "Partitions", "Posix", "RecordFormat",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: strict
        ),
        // Tests only
        layer("HeadwaterTesting", ["BrokerModel", "CommitLog", "RecordFormat"]),
        tests("BrokerModel", ["BrokerModel", "HeadwaterTesting"]),
        tests("MQTTWire", ["BrokerModel", "HeadwaterTesting", "MQTTWire"]),
        tests("RecordFormat", ["BrokerModel", "HeadwaterTesting", "RecordFormat"]),
        tests("KafkaWire", ["BrokerModel", "HeadwaterTesting", "KafkaWire"]),
        tests(
            "MQTTSessions",
            ["BrokerModel", "HeadwaterTesting", "MQTTSessions", "MQTTWire"]
        ),
        tests(
            "KafkaSessions",
            ["BrokerModel", "HeadwaterTesting", "KafkaSessions", "KafkaWire", "RecordFormat"]
        ),
        tests("CommitLog", ["BrokerModel", "CommitLog", "HeadwaterTesting", "RecordFormat"]),
        tests(
            "Ingest",
            [
                "BrokerModel", "CommitLog", "EventLoop", "HeadwaterTesting", "Ingest", "MQTTWire",
                "Partitions", "RecordFormat",
            ]
        ),
        tests(
            "MQTTServer",
            [
                "BrokerModel", "CommitLog", "EventLoop", "HeadwaterTesting", "Ingest",
                "MQTTServer", "MQTTSessions", "Partitions", "Posix", "RecordFormat",
            ]
        ),
        tests("AdminServer", ["AdminServer", "BrokerModel"]),
        tests("headwater", ["BrokerModel", "headwater"]),
        tests("BrokerConfiguration", ["BrokerConfiguration", "BrokerModel"]),
        tests("EventLoop", ["BrokerModel", "EventLoop", "Posix"]),
        tests(
            "Partitions",
            [
                "BrokerModel", "CommitLog", "EventLoop", "HeadwaterTesting", "Partitions",
                "RecordFormat",
            ]
        ),
        tests(
            "KafkaServer",
            [
                "BrokerModel", "CommitLog", "EventLoop", "HeadwaterTesting", "KafkaServer",
                "KafkaSessions", "KafkaWire", "Partitions", "Posix", "RecordFormat",
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
