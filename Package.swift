// swift-tools-version: 6.2
import Foundation
import PackageDescription

let package = Package(
  name: "libsynq",
  platforms: [.macOS(.v15)],
  products: [
    // Synq exports some types of SynqChannels: `make abi` compares the modules of the products.
    .library(name: "Synq", targets: ["Synq", "SynqChannels"]),
    .library(name: "SynqTesting", targets: ["SynqTesting"]),
    .library(name: "SynqPatch", targets: ["SynqJSON", "SynqPatch"]),
    // The C library. `scripts/build-library` links it as libsynq.so; the product keeps the module's
    // name so that no two artefacts differ only in case.
    .library(name: "SynqC", type: .dynamic, targets: ["SynqC"]),
  ],
  traits: [
    .trait(
      name: "ServiceLifecycleSupport",
      description: "A Server is a Service of swift-service-lifecycle, and drains on a graceful shutdown."),
    .trait(
      name: "MetricsSupport",
      description: "Server.reportMetrics(): what a server counts and how long its callbacks take."),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    // Fetched only where their trait is enabled.
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // The C contract and jansson, as Swift sees them.
    .systemLibrary(
      name: "CJansson", path: "Sources/CJansson", pkgConfig: "jansson",
      providers: [.apt(["libjansson-dev"]), .brew(["jansson"])]),
    .systemLibrary(name: "CSynq", path: "include"),
    // zlib, for permessage-deflate.
    .systemLibrary(
      name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),

    // Pure layers: no socket, clock, thread or Foundation.
    .target(name: "SynqJSON"),
    .target(name: "SynqPatch", dependencies: ["SynqJSON"]),
    .target(name: "SynqWire", dependencies: ["SynqJSON"]),
    .target(name: "SynqChannels", dependencies: ["SynqJSON", "SynqPatch", "SynqWire"]),

    // Frames, masks, UTF-8 and permessage-deflate: pure, beside zlib.
    .target(name: "SynqWebSocket", dependencies: ["CZlib", "SynqWire"]),

    // Callbacks on threads, topics and what they share; a connection is what `SocketTransport` says.
    .target(
      name: "SynqHosting",
      dependencies: [
        "SynqJSON", "SynqWire", "SynqChannels",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "Logging", package: "swift-log"),
      ]),

    // HTTP, WebSocket, long poll, TLS and files.
    .target(
      name: "SynqNetwork",
      dependencies: [
        "SynqJSON", "SynqWire", "SynqWebSocket", "SynqHosting",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "Logging", package: "swift-log"),
      ]),

    // Many processes that are one server: what they tell each other, and how they speak to Redis.
    .target(name: "SynqCluster"),
    .target(
      name: "SynqRedis",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "Logging", package: "swift-log"),
      ]),

    // Start and stop: puts the parts together.
    .target(
      name: "SynqServer",
      dependencies: [
        "SynqJSON", "SynqWire", "SynqChannels", "SynqHosting", "SynqNetwork", "SynqCluster", "SynqRedis",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "Logging", package: "swift-log"),
      ]),

    // The front doors.
    .target(
      name: "Synq",
      dependencies: [
        "SynqJSON", "SynqPatch", "SynqWire", "SynqChannels", "SynqWebSocket", "SynqHosting", "SynqNetwork",
        "SynqServer",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "Logging", package: "swift-log"),
        .product(
          name: "Metrics", package: "swift-metrics", condition: .when(traits: ["MetricsSupport"])),
        .product(
          name: "ServiceLifecycle", package: "swift-service-lifecycle",
          condition: .when(traits: ["ServiceLifecycleSupport"])),
      ]),
    .target(
      name: "SynqTesting",
      dependencies: [
        "Synq", "SynqJSON", "SynqPatch", "SynqWire", "SynqChannels", "SynqHosting", "SynqNetwork",
        "SynqServer",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "Logging", package: "swift-log"),
      ]),

    // The demo of examples/swift, as `make demo-swift` runs it.
    .executableTarget(name: "demo-swift", dependencies: ["Synq"], path: "examples/swift"),
    // The Swift part of docs/side-by-side.md.
    .executableTarget(
      name: "todo-swift", dependencies: ["Synq"], path: "examples/todo", exclude: ["todo.c", "todo.py"]),
    .target(
      name: "SynqC",
      dependencies: [
        "CSynq", "CJansson", "SynqJSON", "SynqPatch", "SynqWire", "SynqChannels", "SynqWebSocket",
        "SynqHosting", "SynqNetwork", "SynqServer",
        .product(name: "Logging", package: "swift-log"),
      ]),

    // What the values cost, beside jansson: benchmarks/README.md.
    .executableTarget(
      name: "json-bench", dependencies: ["SynqJSON", "SynqC", "CJansson"], path: "benchmarks/json",
      exclude: ["run"]),
    // What a diff costs, beside other engines: benchmarks/patch/run.
    .executableTarget(
      name: "patch-bench", dependencies: ["SynqJSON", "SynqPatch"], path: "benchmarks/patch/engine"),

    .testTarget(name: "SynqJSONTests", dependencies: ["SynqJSON"]),
    .testTarget(
      name: "SynqPatchTests", dependencies: ["SynqJSON", "SynqPatch"], exclude: ["Fixtures"]),
    .testTarget(name: "SynqWireTests", dependencies: ["SynqJSON", "SynqWire"]),
    .testTarget(
      name: "SynqChannelsTests", dependencies: ["SynqJSON", "SynqPatch", "SynqWire", "SynqChannels"]),
    .testTarget(
      name: "SynqServerTests",
      dependencies: [
        "SynqJSON", "SynqPatch", "SynqWire", "SynqChannels", "SynqWebSocket", "SynqHosting", "SynqNetwork",
        "SynqServer",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    // Starts redis-server for tests.
    .target(
      name: "RedisServer",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "Tests/RedisServer"),
    // A cluster in simulated time: some seeds in the tests, many by `make simulate`.
    .target(name: "ClusterSimulation", dependencies: ["SynqCluster"], path: "Tests/ClusterSimulation"),
    .executableTarget(
      name: "cluster-simulate", dependencies: ["ClusterSimulation"], path: "Tests/ClusterSimulate"),
    .testTarget(name: "SynqClusterTests", dependencies: ["SynqCluster", "ClusterSimulation"]),
    .testTarget(
      name: "SynqRedisTests",
      dependencies: [
        "SynqRedis", "RedisServer",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .testTarget(name: "SynqCTests", dependencies: ["SynqC", "SynqChannels", "SynqServer"]),
    .executableTarget(
      name: "synq-echo",
      dependencies: [
        "SynqJSON", "SynqWire", "SynqWebSocket", "SynqHosting", "SynqNetwork",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Tests/EchoServer"),
    .testTarget(
      name: "SynqTests",
      dependencies: ["Synq", "SynqTesting", "SynqWebSocket", "SynqHosting", "SynqNetwork", "RedisServer"]),
  ],
  swiftLanguageModes: [.v6]
)

// A release archive has the sources of the packages in it (scripts/vendor-packages), and not those that traits need.
if FileManager.default.fileExists(atPath: Context.packageDirectory + "/vendor/swift-nio") {
  package.dependencies = ["swift-nio", "swift-nio-ssl", "swift-log"].map { .package(path: "vendor/\($0)") }
  package.traits = []
  for target in package.targets where target.type != .system {
    target.dependencies.removeAll { dependency in
      if case .productItem(_, "swift-metrics"?, _, _) = dependency { return true }
      if case .productItem(_, "swift-service-lifecycle"?, _, _) = dependency { return true }
      return false
    }
  }
}

// SYNQ_TLS=off, as `make demo` says it, leaves TLS and with it BoringSSL out, which takes half of the time to build.
if Context.environment["SYNQ_TLS"] == "off" {
  package.dependencies.removeAll { dependency in
    switch dependency.kind {
    case .sourceControl(_, let location, _), .fileSystem(_, let location):
      location.hasSuffix("/swift-nio-ssl")
    default: false
    }
  }
  for target in package.targets where target.type != .system {
    let count = target.dependencies.count
    target.dependencies.removeAll { dependency in
      if case .productItem("NIOSSL", _, _, _) = dependency { true } else { false }
    }
    if target.dependencies.count < count {
      target.swiftSettings = (target.swiftSettings ?? []) + [.define("SYNQ_WITHOUT_TLS")]
    }
  }
}

// Warnings in our own sources are errors where SYNQ_STRICT is set, as the Makefile does; a user's build must not fail
// because a newer compiler has a new warning.
if Context.environment["SYNQ_STRICT"] != nil {
  for target in package.targets where target.type == .regular || target.type == .test {
    target.swiftSettings = (target.swiftSettings ?? []) + [.treatAllWarnings(as: .error)]
  }
}
