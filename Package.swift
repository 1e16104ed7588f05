// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target: Swift 6 language mode, strict imports, warnings as errors.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
/// Settings of targets that own no C library: an unmarked pointer does not compile there.
let safe: [SwiftSetting] = strict + [.strictMemorySafety()]

/// Every C target: all warnings, as errors.
let strictC: [CSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]

/// Settings of tests that mostly wait: optimising them takes longer than it saves, and crashes the compiler on some of
/// them ("While splitting coroutine", Swift 6.3.1).
let unoptimised: [SwiftSetting] = [.unsafeFlags(["-Onone"])]
/// Tests that compute what they compare with.
let computing: Set = [
    "BacktestingTests", "CLIPTests", "CheckpointsTests", "DigestsTests", "EvaluationTests", "FamiliesTests",
    "FuzzTests", "HeadsTests", "HistoryTests", "MatchingTests", "PixelsTests", "SamplingTests", "TensorsTests",
    "TrainingTests", "WorldTests",
]

/// A head plugin: one shared library `libwatchword-head-<name>.so`, found by name at run time.
func headLibrary(_ name: String, _ target: String) -> Product {
    .library(name: "watchword-head-\(name)", type: .dynamic, targets: [target])
}

func headTarget(_ name: String, _ more: [Target.Dependency] = []) -> Target {
    .target(
        name: name, dependencies: ["HeadKit", "WatchwordHeadABI", "Checkpoints"] + more, path: "Plugins/\(name)",
        swiftSettings: strict,
        linkerSettings: [
            .unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/Plugins/exports.map"])
        ])
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], path: "Tests/\(name)",
        swiftSettings: strict + (computing.contains(name) ? [] : unoptimised))
}

let package = Package(
    name: "watchword",
    products: [
        .executable(name: "watchwordd", targets: ["watchwordd"]),
        .executable(name: "watchword", targets: ["watchword"]),
        headLibrary("mean", "MeanHead"),
        headLibrary("lstm", "LSTMHead"),
        headLibrary("transformer", "TransformerHead"),
        headLibrary("tight", "TightHead"),
        headLibrary("xpool", "XPoolHead"),
        headLibrary("tmass", "TMassHead"),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    targets: [
        // C libraries, and the C that must be C.
        .systemLibrary(
            name: "CGStreamer", path: "Sources/System/CGStreamer",
            pkgConfig: "gstreamer-app-1.0 gstreamer-video-1.0 gio-2.0"),
        .systemLibrary(name: "COpenBLAS", path: "Sources/System/COpenBLAS", pkgConfig: "openblas"),
        .systemLibrary(name: "CTurboJPEG", path: "Sources/System/CTurboJPEG", pkgConfig: "libturbojpeg"),
        .systemLibrary(name: "CWebP", path: "Sources/System/CWebP", pkgConfig: "libwebp"),
        .systemLibrary(name: "CZlib", path: "Sources/System/CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CPixbuf", path: "Sources/System/CPixbuf", pkgConfig: "gdk-pixbuf-2.0"),
        .target(
            name: "CPictures", dependencies: ["CPixbuf"], path: "Sources/System/CPictures", cSettings: strictC,
            linkerSettings: [.linkedLibrary("png")]),
        .systemLibrary(name: "CGLib", path: "Sources/System/CGLib", pkgConfig: "glib-2.0"),
        .systemLibrary(name: "CZeroMQ", path: "Sources/System/CZeroMQ", pkgConfig: "libzmq"),
        .systemLibrary(name: "CMosquitto", path: "Sources/System/CMosquitto", pkgConfig: "libmosquitto"),
        .target(
            name: "COneDNN", dependencies: ["CKernels"], path: "Sources/Compute/COneDNN", cSettings: strictC,
            linkerSettings: [.linkedLibrary("dnnl")]),
        .target(
            name: "CKernels", path: "Sources/Compute/CKernels",
            cSettings: strictC + [.headerSearchPath("."), .unsafeFlags(["-O3"])]),
        .target(
            name: "CVocabulary", path: "Sources/System/CVocabulary", exclude: ["clip_merges.txt"], cSettings: strictC),
        .target(name: "CPlatform", path: "Sources/System/CPlatform", cSettings: strictC),
        .target(
            name: "CKeepAlive", dependencies: ["CGStreamer"], path: "Sources/System/CKeepAlive", cSettings: strictC,
            linkerSettings: [.linkedLibrary("gstrtsp-1.0")]),
        .target(
            name: "CRTSP", dependencies: ["CGStreamer", "CKeepAlive"], path: "Sources/System/CRTSP",
            cSettings: strictC + [.headerSearchPath(".")],
            linkerSettings: [.linkedLibrary("gstrtsp-1.0"), .linkedLibrary("gstsdp-1.0")]),
        // It stands before a function of GnuTLS (tls.c), so programs must export it to the modules that GIO loads.
        .target(
            name: "CReach", dependencies: ["CGLib"], path: "Sources/System/CReach", cSettings: strictC,
            linkerSettings: [
                .linkedLibrary("gio-2.0"),
                .unsafeFlags(["-Xlinker", "--export-dynamic-symbol=gnutls_session_set_data"]),
            ]),
        // By the library's own name: its development package brings a desktop with it (Sources/System/CFetch/soup.h).
        .target(
            name: "CFetch", dependencies: ["CGLib"], path: "Sources/System/CFetch", cSettings: strictC,
            linkerSettings: [.linkedLibrary("gio-2.0"), .linkedLibrary(":libsoup-3.0.so.0")]),
        .target(name: "WatchwordHeadABI", path: "Sources/Models/WatchwordHeadABI", cSettings: strictC),

        // Support by the system: atomic files, guarded files, limits, memory; and rules that many rooms share.
        .target(
            name: "SystemSupport", dependencies: ["Concurrency", "CPlatform"], path: "Sources/System/SystemSupport",
            swiftSettings: strict),

        // Numbers.
        .target(
            name: "Tensors", dependencies: ["CKernels", "COneDNN", "COpenBLAS", "SystemSupport"],
            path: "Sources/Compute/Tensors",
            swiftSettings: strict),
        .target(
            name: "Checkpoints", dependencies: ["CPlatform", "SystemSupport"], path: "Sources/Models/Checkpoints",
            swiftSettings: strict),
        .target(
            name: "Transformer", dependencies: ["Checkpoints", "Tensors"], path: "Sources/Compute/Transformer",
            swiftSettings: safe),
        .target(
            name: "Pixels", dependencies: ["CKernels", "CPictures", "CTurboJPEG", "CWebP"],
            path: "Sources/Video/Pixels", swiftSettings: strict),
        .target(
            name: "Tokenizers", dependencies: ["Checkpoints", "CVocabulary"], path: "Sources/Models/Tokenizers",
            swiftSettings: strict),
        .target(
            name: "CLIP",
            dependencies: ["Checkpoints", "Pixels", "SystemSupport", "Tensors", "Tokenizers", "Transformer"],
            path: "Sources/Models/CLIP", swiftSettings: strict),

        // Heads: the host, the plugin author's kit, the plugins.
        .target(
            name: "Heads", dependencies: ["Checkpoints", "SystemSupport", "WatchwordHeadABI"],
            path: "Sources/Models/Heads", swiftSettings: strict),
        .target(
            name: "HeadKit", dependencies: ["Checkpoints", "CKernels", "Tensors", "WatchwordHeadABI"],
            path: "Sources/Models/HeadKit", swiftSettings: strict),
        headTarget("MeanHead"),
        headTarget("LSTMHead", ["Tensors"]),
        headTarget("TransformerHead", ["Tensors", "Transformer"]),
        headTarget("TightHead", ["Tensors", "Transformer"]),
        headTarget("XPoolHead", ["Tensors", "Transformer"]),
        headTarget("TMassHead", ["SystemSupport", "Tensors", "Transformer"]),

        // The shapes world: scenes, pictures, captions and truth.
        .target(
            name: "World", dependencies: ["SystemSupport"], path: "Sources/Lab/World",
            swiftSettings: safe),

        // Retrieval benchmarks and their metrics: what a model is worth.
        .target(
            name: "Evaluation", dependencies: ["SystemSupport"], path: "Sources/Lab/Evaluation", swiftSettings: safe),

        // How it is made better: forward and backward passes, the loss, the optimiser.
        .target(
            name: "Training", dependencies: ["Checkpoints", "SystemSupport", "Tensors"],
            path: "Sources/Lab/Training",
            swiftSettings: safe),

        // Windows, queries, events.
        .target(
            name: "Matching", dependencies: ["Printing", "SystemSupport"], path: "Sources/Matching", swiftSettings: safe
        ),

        // Printing for people, and the start and end of both programs.
        .target(name: "Printing", dependencies: ["CPlatform"], path: "Sources/System/Printing", swiftSettings: strict),
        .target(
            name: "Commands",
            dependencies: ["Printing", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Sources/System/Commands", swiftSettings: strict),

        // Executors, and what tasks wait with.
        .target(
            name: "Concurrency",
            dependencies: [.product(name: "DequeModule", package: "swift-collections")],
            path: "Sources/System/Concurrency", swiftSettings: strict),

        // Counters and histograms of a running program.
        .target(name: "Measures", path: "Sources/System/Measures", swiftSettings: safe),

        // The outside world: what a source is, what of it is sampled, what its container says; then GStreamer.
        .target(
            name: "StreamSources", dependencies: ["CPlatform", "Matching", "Pixels", "Printing", "SystemSupport"],
            path: "Sources/Video/StreamSources", swiftSettings: strict),
        .target(
            name: "Sampling",
            dependencies: [
                "Matching", "Measures", "Pixels", "StreamSources",
                .product(name: "DequeModule", package: "swift-collections"),
            ], path: "Sources/Video/Sampling", swiftSettings: strict),
        .target(
            name: "Containers", dependencies: ["Pixels", "StreamSources"], path: "Sources/Video/Containers",
            swiftSettings: strict),
        .target(name: "Packets", path: "Sources/Video/Packets", swiftSettings: strict),
        // CKeepAlive is linked and not imported: it stands before functions of GStreamer.
        .target(
            name: "Ingest",
            dependencies: [
                "CFetch", "CGStreamer", "CKeepAlive", "CPlatform", "CReach", "CRTSP", "Containers", "Packets", "Pixels",
                "Sampling", "StreamSources", "SystemSupport", "World",
            ], path: "Sources/Video/Ingest", swiftSettings: strict),
        // A source opened for some seconds, to tell whether it plays.
        .target(
            name: "Trials",
            dependencies: ["Concurrency", "Ingest", "Pixels", "Printing", "Sampling", "StreamSources"],
            path: "Sources/Video/Trials", swiftSettings: safe),
        // MP4 of coded units as they are.
        .target(
            name: "Muxing", dependencies: ["CGStreamer", "Ingest", "Sampling"], path: "Sources/Video/Muxing",
            swiftSettings: strict),
        // Coded video as it comes: the last of it in memory, and clips of events.
        .target(
            name: "Recording",
            dependencies: [
                "Concurrency", "Ingest", "Muxing", "Pixels", "Sampling", "StreamSources", "SystemSupport",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ], path: "Sources/Video/Recording", swiftSettings: strict),
        .target(
            name: "Journal",
            dependencies: [
                "Concurrency", "CPlatform", "CZlib", "SystemSupport", .product(name: "GRDB", package: "GRDB.swift"),
            ],
            path: "Sources/Storage/Journal", swiftSettings: strict),
        .target(
            name: "Segments", dependencies: ["CKernels"], path: "Sources/Storage/Segments", swiftSettings: strict),
        .target(
            name: "History", dependencies: ["CKernels", "Digests", "Matching", "Segments", "SystemSupport"],
            path: "Sources/Storage/History",
            swiftSettings: strict),
        .target(
            name: "WireFormat", dependencies: ["Printing", "SystemSupport"],
            path: "Sources/Wire/WireFormat",
            swiftSettings: strict),
        .target(
            name: "Messaging",
            dependencies: [
                "CZeroMQ", "Measures", "SystemSupport", "WireFormat", .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Wire/Messaging", swiftSettings: strict),

        // Followers of the journal that tell people and programs elsewhere.
        .target(
            name: "Notify",
            dependencies: [
                "CMosquitto", "Concurrency", "Digests", "Journal", "Matching", "Printing", "StreamSources",
                "SystemSupport", "WireFormat", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ], path: "Sources/Wire/Notify", swiftSettings: strict),
        .target(name: "Digests", dependencies: ["CGLib"], path: "Sources/System/Digests", swiftSettings: strict),
        .target(
            name: "Hub",
            dependencies: [
                "Checkpoints", "Digests", "SystemSupport",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], path: "Sources/Models/Hub", swiftSettings: strict),

        // From frames to events.
        .target(
            name: "Engine",
            dependencies: [
                "Checkpoints", "CLIP", "Concurrency", "Heads", "Ingest", "Matching", "Measures", "Pixels", "Sampling",
                "StreamSources", "SystemSupport", "Tensors", "Tokenizers", "WireFormat",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            path: "Sources/Engine", swiftSettings: strict),

        // The configuration as people write it, the operations that clients ask for, and the daemon.
        .target(
            name: "WatchwordConfiguration",
            dependencies: [
                "CLIP", "Concurrency", "Digests", "Heads", "Journal", "Matching", "Messaging", "Notify", "Pixels",
                "Printing", "StreamSources", "SystemSupport", "Tensors", "WireFormat", "Yams",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Configuration", swiftSettings: strict),
        .target(
            name: "ControlAPI",
            dependencies: [
                "Concurrency", "Matching", "Printing", "StreamSources", "SystemSupport", "WatchwordConfiguration",
                "WireFormat",
            ],
            path: "Sources/ControlAPI", swiftSettings: strict),
        // Several daemons as one, over etcd.
        .target(
            name: "Fleet",
            dependencies: [
                "Concurrency", "ControlAPI", "Journal", "Notify", "Printing", "StreamSources", "SystemSupport",
                "WatchwordConfiguration", "WireFormat", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], path: "Sources/Fleet", swiftSettings: strict),
        // Alerts that a query would have given over a history.
        .target(
            name: "Backtesting",
            dependencies: ["CLIP", "Engine", "Heads", "History", "Matching", "Segments", "Tensors"],
            path: "Sources/Backtesting", swiftSettings: safe),
        // Messages on their way: numbered and committed by the journal, then published.
        .target(
            name: "Publishing",
            dependencies: [
                "Concurrency", "Journal", "Messaging", "Notify", "Service", "WireFormat",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Publishing", swiftSettings: strict),
        .target(
            name: "Daemon",
            dependencies: [
                "Backtesting", "CLIP", "Concurrency", "ControlAPI", "Engine", "Fleet", "Heads", "Health",
                "History", "Ingest", "Journal", "Live", "Matching", "Measures", "Messaging", "Notify", "Pixels",
                "Printing", "Publishing", "Recording", "Sampling", "Segments", "Service", "StreamSources",
                "SystemSupport", "Tensors", "Trials",
                "WatchwordConfiguration", "WireFormat",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Daemon", swiftSettings: strict),
        // The newest pictures and scores, for those who look, and the choice of the history's pictures.
        .target(
            name: "Live", dependencies: ["Engine", "History", "Matching", "Pixels", "Sampling", "SystemSupport"],
            path: "Sources/Live", swiftSettings: strict),
        // How scoring is doing: counts, histograms, and whether it goes round.
        .target(
            name: "Health", dependencies: ["Engine", "Matching", "Measures"], path: "Sources/Health",
            swiftSettings: strict),
        // A daemon among a system's services: its manager is told how it is, and its log has what it says.
        .target(
            name: "Service",
            dependencies: [
                "Concurrency", "Ingest", "Journal", "Printing", "WatchwordConfiguration", "WireFormat",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Service", swiftSettings: strict),
        .target(
            name: "WebAPI",
            dependencies: [
                "Concurrency", "ControlAPI", "Daemon", "Digests", "Engine", "Health", "Journal", "Live", "Matching",
                "Measures", "Messaging", "Notify", "Pixels", "Printing", "Publishing", "Recording", "SystemSupport",
                "WatchwordConfiguration", "WireFormat",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            path: "Sources/WebAPI", swiftSettings: strict),

        // The two programs.
        .executableTarget(
            name: "watchwordd",
            dependencies: [
                "CLIP", "Commands", "Concurrency", "Daemon", "Engine", "Health", "Ingest", "Journal", "Messaging",
                "Printing", "Publishing", "Service", "SystemSupport", "WatchwordConfiguration", "WebAPI",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),

        // Measurements and trainings: whole runs, which report progress and return values.
        .target(
            name: "EvaluationRuns",
            dependencies: [
                "Checkpoints", "CLIP", "Concurrency", "Digests", "Engine", "Evaluation", "Heads", "Ingest", "Matching",
                "Pixels", "Printing", "Sampling", "StreamSources", "SystemSupport", "Tensors", "Tokenizers",
                "WatchwordConfiguration",
            ], path: "Sources/Lab/EvaluationRuns", swiftSettings: strict),
        .target(
            name: "TrainingRuns",
            dependencies: [
                "Checkpoints", "CLIP", "Engine", "Evaluation", "EvaluationRuns", "Pixels", "Printing", "SystemSupport",
                "Tensors", "Tokenizers", "Training", "World",
            ], path: "Sources/Lab/TrainingRuns", swiftSettings: strict),
        .target(
            name: "Benchmarking",
            dependencies: [
                "Checkpoints", "CLIP", "Concurrency", "Daemon", "Heads", "Health", "Ingest", "Measures", "Pixels",
                "Printing", "Recording", "StreamSources", "SystemSupport", "Tensors", "Training",
                "WatchwordConfiguration",
                .product(name: "Logging", package: "swift-log"),
            ], path: "Sources/Lab/Benchmarking", swiftSettings: strict),

        // The command line: options and printing alone.
        .target(
            name: "CommandSupport",
            dependencies: [
                "Benchmarking", "Checkpoints", "CLIP", "Commands", "ControlAPI", "Evaluation", "EvaluationRuns",
                "Heads", "History", "Hub", "Ingest", "Matching", "Messaging", "Printing", "Segments", "StreamSources",
                "SystemSupport", "Tensors", "Tokenizers", "Training", "WatchwordConfiguration", "WireFormat",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Sources/CommandLine/CommandSupport", swiftSettings: strict),
        .target(
            name: "DaemonCommands",
            dependencies: [
                "Backtesting", "CommandSupport", "Concurrency", "ControlAPI", "Daemon", "Engine", "Fleet", "Health",
                "Matching", "Messaging", "Notify", "Printing", "Publishing", "Recording", "StreamSources", "Trials",
                "WatchwordConfiguration", "WireFormat",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Sources/CommandLine/DaemonCommands", swiftSettings: strict),
        .target(
            name: "LabCommands",
            dependencies: [
                "Backtesting", "Benchmarking", "Checkpoints", "CLIP", "CommandSupport", "Concurrency", "Engine",
                "Evaluation", "EvaluationRuns", "Heads", "History", "Ingest", "Matching", "Segments", "SystemSupport",
                "Tensors", "Training", "TrainingRuns", "WatchwordConfiguration", "World",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Sources/CommandLine/LabCommands", swiftSettings: strict),
        .executableTarget(
            name: "watchword",
            dependencies: [
                "Backtesting", "CLIP", "Commands", "CommandSupport", "Concurrency", "Daemon", "DaemonCommands",
                "Digests", "Engine", "EvaluationRuns", "Heads", "History", "Hub", "Ingest", "LabCommands", "Matching",
                "Messaging",
                "Pixels", "Printing", "Sampling", "Segments", "StreamSources", "SystemSupport", "Tensors", "Tokenizers",
                "WatchwordConfiguration", "WireFormat",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        // Tests.
        .target(
            name: "TestSupport", dependencies: ["Checkpoints", "SystemSupport"], path: "Tests/TestSupport",
            swiftSettings: strict),
        .target(
            name: "FuzzReaders",
            dependencies: [
                "Checkpoints", "CLIP", "Containers", "ControlAPI", "Daemon", "History", "Matching", "Messaging",
                "Packets", "Pixels", "Segments", "TestSupport", "Tokenizers", "WatchwordConfiguration", "WebAPI",
                "WireFormat",
            ],
            path: "Fuzz/Readers", swiftSettings: strict),
        tests("FuzzTests", ["FuzzReaders", "SystemSupport"]),
        .target(name: "CAllocations", path: "Tests/CAllocations", cSettings: strictC),
        .executableTarget(
            name: "event-producer",
            dependencies: [
                "ControlAPI", "Daemon", "History", "Journal", "Messaging", "Publishing", "SystemSupport", "WireFormat",
                .product(name: "Logging", package: "swift-log"),
            ], path: "Tests/EventProducer", swiftSettings: strict),
        tests("TensorsTests", ["CAllocations", "Tensors"]),
        tests("CheckpointsTests", ["Checkpoints", "SystemSupport"]),
        tests("DigestsTests", ["Digests"]),
        tests("SystemSupportTests", ["SystemSupport"]),
        tests("FamiliesTests", ["Checkpoints", "CLIP", "Heads", "Pixels", "StreamSources", "Tensors", "Tokenizers"]),
        tests("HistoryTests", ["CKernels", "History", "Matching", "Segments", "SystemSupport"]),
        tests("BacktestingTests", ["Backtesting", "CLIP", "Engine", "Heads", "History", "Matching", "SystemSupport"]),
        tests("HubTests", ["Checkpoints", "Hub", "SystemSupport"]),
        tests("PixelsTests", ["Checkpoints", "Ingest", "Pixels", "Sampling", "StreamSources", "SystemSupport"]),
        tests(
            "CLIPTests",
            ["Checkpoints", "CLIP", "Matching", "Pixels", "StreamSources", "SystemSupport", "Tensors", "Tokenizers"]),
        tests("HeadsTests", ["CAllocations", "Checkpoints", "CLIP", "Heads", "Tensors", "WatchwordHeadABI"]),
        tests("PrintingTests", ["Printing"]),
        tests("WorldTests", ["Checkpoints", "SystemSupport", "World"]),
        tests("EvaluationTests", ["Checkpoints", "Evaluation", "SystemSupport"]),
        tests("EvaluationRunsTests", ["Evaluation", "EvaluationRuns", "Matching"]),
        tests("BenchmarkingTests", ["Benchmarking"]),
        tests("TrainingTests", ["Checkpoints", "SystemSupport", "Tensors", "Training"]),
        tests("MatchingTests", ["Concurrency", "Matching", "SystemSupport", "WatchwordConfiguration"]),
        tests("StreamSourcesTests", ["Concurrency", "StreamSources", "SystemSupport"]),
        tests("SamplingTests", ["Sampling", "StreamSources"]),
        tests("ContainersTests", ["Containers"]),
        tests("PacketsTests", ["Packets", "SystemSupport"]),
        tests(
            "RecordingTests",
            [
                "Ingest", "Muxing", "Recording", "Sampling", "StreamSources", "SystemSupport",
                .product(name: "Logging", package: "swift-log"),
            ]),
        tests(
            "IngestTests",
            [
                "Checkpoints", "Containers", "Ingest", "Matching", "Pixels", "Sampling", "StreamSources",
                "SystemSupport", "World",
            ]),
        tests("JournalTests", ["Journal", "SystemSupport", .product(name: "GRDB", package: "GRDB.swift")]),
        tests(
            "NotifyTests",
            [
                "ControlAPI", "Journal", "Matching", "Notify", "StreamSources", "SystemSupport",
                "WatchwordConfiguration", "WireFormat", .product(name: "Logging", package: "swift-log"),
            ]),
        tests(
            "FleetTests",
            [
                "Concurrency", "ControlAPI", "Fleet", "Journal", "Notify", "SystemSupport", "WatchwordConfiguration",
                "WireFormat",
                .product(name: "Logging", package: "swift-log"),
            ]),
        tests(
            "MessagingTests",
            [
                "Concurrency", "Messaging", "SystemSupport", "WireFormat",
                .product(name: "Logging", package: "swift-log"),
            ]),
        tests(
            "EngineTests",
            [
                "Checkpoints", "CLIP", "Engine", "Heads", "Ingest", "Matching", "Measures", "Pixels", "Sampling",
                "StreamSources", "SystemSupport", "Tensors", "WatchwordConfiguration",
            ]),
        tests(
            "ConfigurationTests",
            [
                "CLIP", "ControlAPI", "Heads", "Ingest", "Matching", "Messaging", "Printing", "StreamSources",
                "WatchwordConfiguration", "WireFormat", .product(name: "Logging", package: "swift-log"),
            ]),
        tests(
            "DaemonTests",
            [
                "CLIP", "Concurrency", "ControlAPI", "Daemon", "Engine", "Heads", "Health", "Ingest", "Journal",
                "Matching", "Messaging", "Pixels", "Publishing", "Recording", "Sampling", "Service", "StreamSources",
                "SystemSupport", "Tensors", "WatchwordConfiguration", "WireFormat",
                .product(name: "Logging", package: "swift-log"),
            ]),
        tests(
            "WebAPITests",
            [
                "ControlAPI", "Daemon", "Engine", "Health", "Journal", "Live", "Measures", "Messaging", "Publishing",
                "SystemSupport", "WatchwordConfiguration", "WebAPI", "WireFormat",
                .product(name: "Logging", package: "swift-log"),
            ]),
        tests(
            "EndToEndTests",
            [
                "Checkpoints", "CLIP", "Concurrency", "Engine", "Fleet", "Heads", "History", "Ingest", "Journal",
                "Matching",
                "Messaging", "Pixels", "Printing", "Sampling", "Segments", "StreamSources", "SystemSupport", "Tensors",
                "WireFormat",
            ]),
    ],
    swiftLanguageModes: [.v6]
)

// The fuzzers are linked with libFuzzer's `main`, in a build of their own: Fuzz/fuzz.sh.
if Context.environment["WATCHWORD_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "watchword-fuzz",
            dependencies: ["FuzzReaders"],
            path: "Fuzz/Main",
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]))
}
