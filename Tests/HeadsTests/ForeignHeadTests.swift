import Foundation
import Heads
import TestSupport
import Testing

/// A head written in C from the header alone; macros bend it.
private let source = """
    #include "watchword_head.h"
    #include <math.h>
    #include <stdio.h>
    #include <stdlib.h>
    #ifndef MAJOR
    #define MAJOR WW_HEAD_ABI_MAJOR
    #endif
    #ifndef MAGIC
    #define MAGIC WW_HEAD_MAGIC
    #endif
    #ifndef NAME
    #define NAME "last"
    #endif
    #ifndef ENTRY
    #define ENTRY watchword_head_entry
    #endif
    #ifndef SIZE
    #define SIZE sizeof(watchword_head)
    #endif
    #ifndef POOL
    #define POOL pool
    #endif
    static ww_status make(int32_t d, int32_t max_frames, const ww_tensor *tensors, size_t count, const char *config,
                          void **instance, char *why, size_t size) {
        (void)max_frames; (void)tensors; (void)count; (void)config;
    #ifdef SULKS
        snprintf(why, size, "no weight called \\"mood\\""); (void)d; (void)instance;
        return WW_BAD_WEIGHTS;
    #else
        int32_t *made = malloc(sizeof *made);
        if (!made) { snprintf(why, size, "no memory"); return WW_NO_MEMORY; }
        *made = d;
        *instance = made;
        return WW_OK;
    #endif
    }
    static ww_status pool(void *instance, const float *frames, const uint8_t *mask, int32_t B, int32_t T, float *out,
                          char *why, size_t size) {
        int32_t d = *(int32_t *)instance;
    #ifdef TIRES
        (void)frames; (void)mask; (void)B; (void)out; (void)d;
        snprintf(why, size, "tired of %d frames", (int)T);
        return WW_FAILED;
    #endif
        (void)why; (void)size;
        for (int32_t b = 0; b < B; b++) {
            int32_t last = 0;
            for (int32_t t = 0; t < T; t++) if (mask[b * T + t]) last = t;
            const float *frame = frames + ((size_t)b * T + last) * d;
            float sum = 0;
            for (int32_t i = 0; i < d; i++) sum += frame[i] * frame[i];
            for (int32_t i = 0; i < d; i++) out[b * d + i] = frame[i] / sqrtf(sum);
        }
        return WW_OK;
    }
    static const watchword_head head = {
        .magic = MAGIC, .abi_major = MAJOR, .abi_minor = 0, .struct_size = SIZE, .name = NAME, .version = "0.1",
        .description = "the last frame", .create = make, .destroy = free,
        .pool = POOL
    };
    const watchword_head *ENTRY(void) { return &head; }
    """

@Suite("A head written in C")
struct ForeignHeadTests {
    /// Builds the head into a directory of its own and hands over a finder for it.
    private func build(_ macros: String..., body: (HeadFinder) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "watchword-head-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "last.c")
        try Data(source.utf8).write(to: file)
        let compiler = Process()
        compiler.executableURL = URL(filePath: "/usr/bin/env")
        let include = Fixtures.repository.appending(path: "Sources/WatchwordHeadABI/include").path
        compiler.arguments =
            [
                "cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-shared", "-fPIC", "-I",
                include,
            ]
            + macros.map { "-D\($0)" }
            + ["-o", folder.appending(path: "libwatchword-head-last.so").path, file.path, "-lm"]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
        try body(HeadFinder(directories: [folder.path]))
    }

    @Test("loads, says what it is, and pools")
    func works() throws {
        try build { finder in
            #expect(finder.names == ["last"])
            let library = try finder.load("last")
            #expect(library.version == "0.1" && library.description == "the last frame" && !library.pairs)
            let head = try Head(library, width: 2, maxFrames: 3, weights: [:])
            let frames: [Float] = [1, 0, 3, 4, .nan, .nan, 0, 2, .nan, 0, 0, .nan]
            #expect(try head.pool(frames, valid: [2, 1], frames: 3) == [0.6, 0.8, 0, 1])
        }
    }

    @Test(
        "is refused with a sentence if its descriptor is wrong",
        arguments: [
            ("MAJOR=2u", "was built for ABI 2, this Watchword has ABI 1: rebuild the plugin"),
            ("ENTRY=some_other_entry", "is not a head plugin: it exports no watchword_head_entry"),
            ("MAGIC=0x12345678u", "is not a head plugin: its descriptor has no magic number"),
            ("SIZE=16u", "is not a head plugin: its descriptor has 16 bytes"),
            ("NAME=\"first\"", "is not a head plugin: it calls itself \"first\", not \"last\""),
            ("POOL=NULL", "is not a head plugin: it neither pools nor pairs"),
        ])
    func refused(_ macro: String, _ sentence: String) throws {
        try build(macro) { finder in
            #expect { try finder.load("last") } throws: { "\($0)".contains(sentence) }
        }
    }

    @Test("is told on with its own words if it refuses")
    func refuses() throws {
        try build("SULKS") { finder in
            let library = try finder.load("last")
            #expect {
                try Head(library, width: 2, maxFrames: 3, weights: [:])
            } throws: {
                "\($0)" == "head \"last\": create failed: no weight called \"mood\""
            }
        }
        try build("TIRES") { finder in
            let head = try Head(finder.load("last"), width: 2, maxFrames: 3, weights: [:])
            #expect {
                try head.pool([1, 2], valid: [1], frames: 1)
            } throws: {
                "\($0)" == "head \"last\": pool failed: tired of 1 frames"
            }
        }
    }

    @Test("a file that is no library is refused")
    func noLibrary() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "watchword-head-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("hello".utf8).write(to: folder.appending(path: "libwatchword-head-last.so"))
        #expect { try HeadFinder(directories: [folder.path]).load("last") } throws: {
            "\($0)".contains("cannot be opened")
        }
    }
}
