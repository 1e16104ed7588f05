// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target: Swift 6 language mode, strict imports, warnings as errors.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
/// Rooms that own no C library: an unmarked pointer does not compile there.
let safe: [SwiftSetting] = strict + [.strictMemorySafety()]

/// Tests over which Swift 6.3.1's optimiser crashes ("While splitting coroutine").
let unoptimised: [SwiftSetting] = [.unsafeFlags(["-Onone"])]

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

func tests(_ name: String, _ dependencies: [Target.Dependency], _ more: [SwiftSetting] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], path: "Tests/\(name)", swiftSettings: strict + more)
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
        .systemLibrary(name: "CPixbuf", path: "Sources/System/CPixbuf", pkgConfig: "gdk-pixbuf-2.0"),
        .target(
            name: "CPictures", dependencies: ["CPixbuf"], path: "Sources/System/CPictures",
            linkerSettings: [.linkedLibrary("png")]),
        .systemLibrary(name: "CGLib", path: "Sources/System/CGLib", pkgConfig: "glib-2.0"),
        .systemLibrary(name: "CZeroMQ", path: "Sources/System/CZeroMQ", pkgConfig: "libzmq"),
        .target(
            name: "COneDNN", dependencies: ["CKernels"], path: "Sources/Compute/COneDNN",
            linkerSettings: [.linkedLibrary("dnnl")]),
        .target(name: "CKernels", path: "Sources/Compute/CKernels", cSettings: [.unsafeFlags(["-O3"])]),
        .target(name: "CVocabulary", path: "Sources/System/CVocabulary", exclude: ["clip_merges.txt"]),
        .target(name: "CPlatform", path: "Sources/System/CPlatform"),
        .target(
            name: "CKeepAlive", dependencies: ["CGStreamer"], path: "Sources/System/CKeepAlive",
            linkerSettings: [.linkedLibrary("gstrtsp-1.0")]),
        // It stands before a function of GnuTLS (tls.c), so programs must export it to the modules that GIO loads.
        .target(
            name: "CReach", dependencies: ["CGLib"], path: "Sources/System/CReach",
            linkerSettings: [
                .linkedLibrary("gio-2.0"),
                .unsafeFlags(["-Xlinker", "--export-dynamic-symbol=gnutls_session_set_data"]),
            ]),
        // By the library's own name: its development package brings a desktop with it (Sources/System/CFetch/soup.h).
        .target(
            name: "CFetch", dependencies: ["CGLib"], path: "Sources/System/CFetch",
            linkerSettings: [.linkedLibrary("gio-2.0"), .linkedLibrary(":libsoup-3.0.so.0")]),
        .target(name: "WatchwordHeadABI", path: "Sources/Models/WatchwordHeadABI"),

        // Numbers.
        .target(
            name: "Tensors", dependencies: ["COneDNN", "COpenBLAS", "CKernels"], path: "Sources/Compute/Tensors",
            swiftSettings: strict),
        .target(
            name: "Checkpoints", dependencies: ["CPlatform"], path: "Sources/Models/Checkpoints", swiftSettings: strict),
        .target(
            name: "Transformer", dependencies: ["Tensors", "Checkpoints"], path: "Sources/Compute/Transformer",
            swiftSettings: safe),
        .target(
            name: "Pixels", dependencies: ["CKernels", "CPictures", "CTurboJPEG", "CWebP"],
            path: "Sources/Video/Pixels", swiftSettings: strict),
        .target(
            name: "Tokenizers", dependencies: ["Checkpoints", "CVocabulary"], path: "Sources/Models/Tokenizers",
            swiftSettings: strict),
        .target(
            name: "CLIP", dependencies: ["Tensors", "Checkpoints", "Tokenizers", "Transformer", "Pixels"],
            path: "Sources/Models/CLIP", swiftSettings: strict),

        // Heads: the host, the plugin author's kit, the plugins.
        .target(
            name: "Heads", dependencies: ["WatchwordHeadABI", "Checkpoints", "Permissions"],
            path: "Sources/Models/Heads", swiftSettings: strict),
        .target(
            name: "HeadKit", dependencies: ["WatchwordHeadABI", "Checkpoints", "CKernels", "Tensors"],
            path: "Sources/Models/HeadKit", swiftSettings: strict),
        headTarget("MeanHead"),
        headTarget("LSTMHead", ["Tensors"]),
        headTarget("TransformerHead", ["Tensors", "Transformer"]),
        headTarget("TightHead", ["Tensors", "Transformer"]),
        headTarget("XPoolHead", ["Tensors", "Transformer"]),
        headTarget("TMassHead", ["Tensors", "Transformer"]),

        // The shapes world: scenes, pictures, captions and truth.
        .target(name: "Randomness", path: "Sources/System/Randomness", swiftSettings: safe),
        .target(name: "World", dependencies: ["Randomness"], path: "Sources/Lab/World", swiftSettings: safe),

        // Retrieval benchmarks and their metrics: what a model is worth.
        .target(name: "Evaluation", dependencies: ["Randomness"], path: "Sources/Lab/Evaluation", swiftSettings: safe),

        // How it is made better: forward and backward passes, the loss, the optimiser.
        .target(
            name: "Training", dependencies: ["Tensors", "Checkpoints", "Randomness"], path: "Sources/Lab/Training",
            swiftSettings: safe),

        // Windows, queries, events.
        .target(
            name: "Matching", swiftSettings: safe),

        // Checks of owners and modes of files and directories.
        .target(name: "Permissions", path: "Sources/System/Permissions", swiftSettings: strict),

        // Printing for people, and the start and end of both programs.
        .target(name: "Printing", dependencies: ["CPlatform"], path: "Sources/System/Printing", swiftSettings: strict),
        .target(
            name: "Commands",
            dependencies: ["Printing", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Sources/System/Commands", swiftSettings: strict),

        // Counters and histograms of a running program.
        .target(name: "Measures", path: "Sources/System/Measures", swiftSettings: safe),

        // The outside world.
        .target(
            name: "Ingest",
            dependencies: [
                "CFetch", "CGStreamer", "CKeepAlive", "CPlatform", "CReach", "Matching", "Measures", "Permissions",
                "Pixels",
                "World",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ], path: "Sources/Video/Ingest", swiftSettings: strict),
        .target(
            name: "Journal", dependencies: ["CPlatform", "Permissions", .product(name: "GRDB", package: "GRDB.swift")],
            path: "Sources/Storage/Journal", swiftSettings: strict),
        .target(
            name: "Messaging",
            dependencies: ["CZeroMQ", "Measures", "Permissions", .product(name: "Logging", package: "swift-log")],
            path: "Sources/Wire/Messaging", swiftSettings: strict),

        .target(name: "Digests", dependencies: ["CGLib"], path: "Sources/System/Digests", swiftSettings: strict),
        .target(
            name: "Hub",
            dependencies: [
                "Checkpoints", "Digests", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], path: "Sources/Models/Hub", swiftSettings: strict),

        // Assembly, and the two programs.
        .target(
            name: "Watchtower",
            dependencies: [
                "CPlatform", "CLIP", "Digests", "Heads", "Matching", "Measures", "Ingest", "Journal", "Messaging",
                "Permissions", "Pixels", "Printing",
                "Checkpoints", "Tensors", "Tokenizers",
                "Yams",
                .product(name: "Collections", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "WebAPI",
            dependencies: [
                "Journal", "Matching", "Measures", "Messaging", "Pixels", "Watchtower",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "watchwordd",
            dependencies: [
                "WebAPI", "Watchtower", "CLIP", "Commands", "Ingest", "Journal", "Messaging", "Printing",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "watchword",
            dependencies: [
                "Watchtower", "CLIP", "Checkpoints", "Commands", "Digests", "Heads", "Hub", "Ingest", "Matching",
                "Messaging", "Permissions", "Printing", "Tensors", "Tokenizers", "Evaluation", "Pixels", "Randomness",
                "Training", "World",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),

        // Tests.
        .target(
            name: "TestSupport", dependencies: ["Checkpoints"], path: "Tests/TestSupport", swiftSettings: strict),
        .target(
            name: "FuzzReaders",
            dependencies: [
                "CLIP", "Checkpoints", "Ingest", "Matching", "Messaging", "Pixels", "TestSupport", "Tokenizers",
                "Watchtower", "WebAPI",
            ],
            path: "Fuzz/Readers", swiftSettings: strict),
        tests("FuzzTests", ["FuzzReaders", "Randomness"]),
        .target(name: "CAllocations", path: "Tests/CAllocations"),
        .executableTarget(
            name: "event-producer",
            dependencies: [
                "Watchtower", "Journal", "Messaging", .product(name: "Logging", package: "swift-log"),
            ], path: "Tests/EventProducer", swiftSettings: strict),
        tests("TensorsTests", ["Tensors", "CAllocations"]),
        tests("CheckpointsTests", ["Checkpoints"]),
        tests("DigestsTests", ["Digests"]),
        tests("PermissionsTests", ["Permissions"]),
        tests("HubTests", ["Hub", "Checkpoints"]),
        tests("PixelsTests", ["Pixels", "Ingest", "Checkpoints"]),
        tests(
            "CLIPTests",
            ["CLIP", "Checkpoints", "Ingest", "Matching", "Pixels", "Tensors", "Tokenizers", "Transformer"]),
        tests("FamiliesTests", ["CLIP", "Checkpoints", "Heads", "Ingest", "Pixels", "Tensors", "Tokenizers"]),
        tests("HeadsTests", ["Heads", "WatchwordHeadABI", "Checkpoints", "CLIP", "Tensors", "CAllocations"]),
        tests("PrintingTests", ["Printing"]),
        tests("WorldTests", ["World", "Checkpoints", "Randomness"]),
        tests("EvaluationTests", ["Evaluation", "Checkpoints", "Randomness"]),
        tests("TrainingTests", ["Training", "Checkpoints", "Randomness", "Tensors"]),
        tests("MatchingTests", ["Matching", "Randomness"]),
        tests("IngestTests", ["Ingest", "Matching", "Pixels", "World"]),
        tests("JournalTests", ["Journal", "Randomness", .product(name: "GRDB", package: "GRDB.swift")]),
        tests("MessagingTests", ["Messaging", "Permissions", .product(name: "Logging", package: "swift-log")]),
        tests(
            "WatchtowerTests",
            [
                "Watchtower", "CLIP", "Checkpoints", "Heads", "Ingest", "Matching", "Messaging", "Pixels", "Randomness",
                "Tensors", .product(name: "Logging", package: "swift-log"),
            ],
            unoptimised),
        tests(
            "WebAPITests",
            [
                "WebAPI", "Journal", "Measures", "Messaging", "Watchtower",
                .product(name: "Logging", package: "swift-log"),
            ],
            unoptimised),
        tests(
            "EndToEndTests",
            [
                "Watchtower", "CLIP", "Heads", "Ingest", "Journal", "Matching", "Messaging", "Randomness", "Tensors",
                "Pixels", "Printing",
                "Checkpoints",
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
