import Foundation
import Heads
import TestSupport
import Testing

/// A head written in C using only the header; macros change its behaviour.
private let source = """
    #include "watchword_head.h"
    #include <math.h>
    #include <signal.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <unistd.h>
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
    #ifndef LENGTH
    #define LENGTH 1.0f
    #endif
        for (int32_t b = 0; b < B; b++) {
            int32_t last = 0;
            for (int32_t t = 0; t < T; t++) if (mask[b * T + t]) last = t;
            const float *frame = frames + ((size_t)b * T + last) * d;
            float sum = 0;
            for (int32_t i = 0; i < d; i++) sum += frame[i] * frame[i];
            for (int32_t i = 0; i < d; i++) out[b * d + i] = LENGTH * frame[i] / sqrtf(sum);
        }
        return WW_OK;
    }
    #ifdef LONG
    #define DESCRIPTION long_description
    #define TEN(x) x x x x x x x x x x
    static const char long_description[] = TEN(TEN(TEN(TEN("the last frame "))));
    #else
    #define DESCRIPTION "the last frame"
    #endif
    static const watchword_head head = {
        .magic = MAGIC, .abi_major = MAJOR, .abi_minor = 0, .struct_size = SIZE, .name = NAME, .version = "0.1",
        .description = DESCRIPTION, .create = make, .destroy = free,
        .pool = POOL
    };
    const watchword_head *ENTRY(void) {
    #ifdef ON_ENTRY
        puts("{\\"name\\": \\"not the answer\\"}");
        fflush(stdout);
        ON_ENTRY;
    #endif
        return &head;
    }
    """

/// Plugins that `cc` builds using only the header, in a directory that is deleted with this object.
final class ForeignHeads {
    let folder: URL
    var finder: HeadFinder { HeadFinder(directories: [folder.path]) }

    /// Makes a directory with the head "last", changed by macros.
    init(_ macros: String...) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "watchword-head-\(UUID().uuidString)")
        try add("last", macros)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appending(path: "libwatchword-head-\(name).so").path }

    /// Builds the head again, into a file with another name.
    func add(_ name: String, _ macros: [String] = []) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "\(name).c")
        try Data(source.utf8).write(to: file)
        let compiler = Process()
        compiler.executableURL = URL(filePath: "/usr/bin/env")
        let include = Fixtures.repository.appending(path: "Sources/Models/WatchwordHeadABI/include").path
        compiler.arguments =
            ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-D_POSIX_C_SOURCE=200809L"]
            + ["-shared", "-fPIC", "-I", include] + macros.map { "-D\($0)" } + ["-o", path(name), file.path, "-lm"]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
    }
}
