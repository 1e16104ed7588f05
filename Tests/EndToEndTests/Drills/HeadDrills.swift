import Foundation
import TestSupport
import Testing
import WireFormat

/// Heads written in C that do forbidden things.
private struct BadHeads {
    let folder: URL

    enum Vice: String, CaseIterable {
        case nan, errs, sleeps
        /// The C code that changes the result before the call returns.
        var code: String {
            switch self {
            case .nan: "for (int i = 0; i < B * d; i++) out[i] = NAN;"
            case .errs: "snprintf(why, size, \"out of order\"); return WW_FAILED;"
            // Once: then it is as quick as any.
            case .sleeps: "static int slept; if (!slept++) sleep(10);"
            }
        }
    }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "ww-heads-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for vice in Vice.allCases {
            let file = folder.appending(path: "\(vice).c")
            try Data(Self.source(vice).utf8).write(to: file)
            let compiler = Process()
            compiler.executableURL = URL(filePath: "/usr/bin/env")
            compiler.arguments = [
                "cc", "-std=c11", "-Wall", "-Werror", "-D_POSIX_C_SOURCE=200809L", "-shared", "-fPIC", "-I",
                Fixtures.repository.appending(path: "Sources/Models/WatchwordHeadABI/include").path, "-o",
                folder.appending(path: "libwatchword-head-\(vice).so").path, file.path, "-lm",
            ]
            try compiler.run()
            compiler.waitUntilExit()
            try #require(compiler.terminationStatus == 0)
        }
    }

    private static func source(_ vice: Vice) -> String {
        """
        #include "watchword_head.h"
        #include <math.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        static ww_status make(int32_t d, int32_t max_frames, const ww_tensor *tensors, size_t count, const char *config,
                              void **instance, char *why, size_t size) {
            int32_t *made = malloc(sizeof *made);
            if (!made) return WW_NO_MEMORY;
            *made = d;
            *instance = made;
            return WW_OK;
        }
        static ww_status pool(void *instance, const float *frames, const uint8_t *mask, int32_t B, int32_t T, float *out,
                              char *why, size_t size) {
            int32_t d = *(int32_t *)instance;
            for (int32_t b = 0; b < B; b++) {
                memset(out + b * d, 0, sizeof *out * d);
                out[b * d] = 1;
            }
            \(vice.code)
            return WW_OK;
        }
        static const watchword_head head = {
            .magic = WW_HEAD_MAGIC, .abi_major = WW_HEAD_ABI_MAJOR, .abi_minor = 0, .struct_size = sizeof(watchword_head),
            .name = "\(vice)", .version = "0.1", .description = "no good", .create = make, .destroy = free, .pool = pool
        };
        const watchword_head *watchword_head_entry(void) { return &head; }

        """
    }
}

@Suite("Drills: heads", .serialized)
struct HeadDrills {
    @Test("a head that gives no numbers and one that fails lose nothing but their own windows")
    func failing() async throws {
        let heads = try BadHeads()
        let queries = ["nan", "errs"].map { "- {id: \($0), text: a blue circle, head: \($0), threshold: 0.2}" }
        let daemon = try Drilled(
            try Place(), queries: Drilled.queries + queries, more: ["plugins: [\(heads.folder.path)]"])
        let cameras = try await Cameras()
        try await daemon.ready()
        let healthy = try await daemon.addHealthy(cameras)
        #expect(try await until { try await daemon.place.ask("status").result?["failedBatches"]?.integer ?? 0 > 20 })
        #expect(try await until { try await !daemon.messages("match.healthy.circle").isEmpty })
        #expect(try await until { try await daemon.sampled("healthy") > 4 * 10 })
        try await healthy.expectUnaffected()
        for head in ["nan", "errs"] {
            #expect(try await daemon.messages("match.healthy.\(head)").isEmpty)
            let args: [String: JSONValue] = ["id": .string(head), "stream": .string("healthy")]
            let reply = try await daemon.place.ask("query.explain", .object(args))
            #expect(reply.error?.message.contains(head) == true, "\(reply)")
        }
        try await daemon.end()
    }

    @Test("a head that sleeps 10 s holds up scoring once: streams play on, what is lost is counted, events come again")
    func sleeping() async throws {
        let heads = try BadHeads()
        let query = "- {id: sleeps, text: a blue circle, head: sleeps, threshold: 0.2}"
        let daemon = try Drilled(
            try Place(), queries: Drilled.queries + [query], more: ["plugins: [\(heads.folder.path)]"])
        let cameras = try await Cameras()
        try await daemon.ready()
        try await daemon.add(
            "one", try await cameras.add("one", film: HealthyStream.film, seconds: HealthyStream.seconds))
        // It sleeps at its first window; then it is left alone, which is one failure more.
        #expect(try await until { try await daemon.place.ask("status").result?["failedBatches"]?.integer ?? 0 == 1 })
        let lost = { @Sendable (status: JSONValue?) in
            let stream = status?["streams"]?.array?.first
            return (stream?["shed"]?.integer ?? 0) + (stream?["dropped"]?.integer ?? 0)
        }
        #expect(try await until { lost(try await daemon.place.ask("status").result) > 0 })
        let awake = await daemon.place.seq()
        #expect(try await until { try await !daemon.messages("match.one.circle", since: awake).isEmpty })
        #expect(try await daemon.states("one").last == "playing")
        #expect(try await !daemon.states("one").contains("backing-off"))
        try await daemon.end()
    }
}
