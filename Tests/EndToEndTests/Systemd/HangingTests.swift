import Foundation
import Journal
import TestSupport
import Testing
import WireFormat

/// A head that hangs in its first window, and reports that by a file.
private let hangingHead = """
    #include "watchword_head.h"
    #include <stdio.h>
    #include <stdlib.h>
    #include <unistd.h>
    static ww_status make(int32_t d, int32_t max_frames, const ww_tensor *tensors, size_t count, const char *config,
                          void **instance, char *why, size_t size) {
        (void)d; (void)max_frames; (void)tensors; (void)count; (void)config; (void)why; (void)size;
        return (*instance = malloc(1)) ? WW_OK : WW_NO_MEMORY;
    }
    static ww_status pool(void *instance, const float *frames, const uint8_t *mask, int32_t B, int32_t T, float *out,
                          char *why, size_t size) {
        (void)instance; (void)frames; (void)mask; (void)B; (void)T; (void)out; (void)why; (void)size;
        FILE *file = fopen(getenv("WATCHWORD_TEST_HANGS"), "w");
        if (file) fclose(file);
        for (;;) sleep(1000);
        return WW_OK;
    }
    static const watchword_head head = {
        .magic = WW_HEAD_MAGIC, .abi_major = WW_HEAD_ABI_MAJOR, .struct_size = sizeof(watchword_head), .name = "hang",
        .version = "0.1", .description = "never comes back", .create = make, .destroy = free, .pool = pool
    };
    const watchword_head *watchword_head_entry(void) { return &head; }
    """

@Suite("Under systemd: what hangs", .serialized)
struct HangingTests {
    /// Starts a daemon with an open event, and with another query whose head then hangs; returns when it does.
    ///
    /// The event opens with the first window of four frames; the other query's window is longer.
    private func hanging() async throws -> Service {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hang-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let source = folder.appending(path: "hang.c")
        try Data(hangingHead.utf8).write(to: source)
        let built = try await tool(
            "/usr/bin/cc",
            [
                "-shared", "-fPIC", "-Wall", "-Werror", "-D_POSIX_C_SOURCE=200809L",
                "-I", Fixtures.repository.appending(path: "Sources/Models/WatchwordHeadABI/include").path,
                "-o", folder.appending(path: "libwatchword-head-hang.so").path, source.path,
            ])
        try #require(built.code == 0, "\(built.out)")
        let marker = folder.appending(path: "hangs").path
        let service = try Service(
            """
            plugins: [\(folder.path)]
            streams:
            - {name: world, uri: "shapes://7", fps: 8}
            queries:
            - {id: open, text: a blue circle, head: mean, frames: 4, threshold: -1}
            - {id: hangs, text: a blue circle, head: hang, frames: 32, threshold: 0.5}
            """, environment: ["WATCHWORD_TEST_HANGS=\(marker)"])
        #expect(await service.socket.reaches("READY=1"), "\(service.log)")
        #expect(await service.socket.reaches("WATCHDOG=1"))
        try #require(try await until { FileManager.default.fileExists(atPath: marker) }, "\(service.log)")
        return service
    }

    @Test("a head that hangs ends the pings; the daemon still ends in order, and its journal has no open event")
    func hangingPlugin() async throws {
        let service = try await hanging()
        // What was on its way comes; then there is silence for longer than systemd would bear it.
        var messages = 0
        while messages < 100, await service.socket.next(within: .seconds(2)) != nil { messages += 1 }
        #expect(messages < 100)
        #expect(try await until { service.log.contains("<3>the scoring loop does not answer") })
        #expect(try await service.stop() == 0, "\(service.log)")
        let told = try service.told("match.world.open")
        #expect(told.first?["phase"] == .string("start") && told.last?["phase"] == .string("end"), "\(service.log)")
        #expect(told.last?["reason"] == .string("interrupted"))
        #expect(try Journal(path: service.place.journal).openEvents().isEmpty)
    }

    @Test("asked a second time while something hangs, it ends at once, by the signal")
    func secondSignal() async throws {
        let service = try await hanging()
        async let code = service.daemon.terminate()
        #expect(await service.socket.reaches("STOPPING=1"))
        // A second one that comes within a second is the same wish, told twice.
        let ended = try await until {
            service.daemon.send(SIGTERM)
            return !service.daemon.isRunning
        }
        #expect(ended)
        #expect(try await code == SIGTERM)
        #expect(!service.log.contains("scoring did not stop"))
    }

    @Test("a server that accepts and never says a word holds up no end; events of other streams end in order")
    func hangingStream() async throws {
        let server = try Program(
            "/usr/bin/python3",
            [
                "-uc",
                """
                import socket
                s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True)
                kept = []
                while True: kept.append(s.accept())
                """,
            ])
        let port = try await server.line()
        let service = try Service(
            """
            streams:
            - {name: hung, uri: "rtsp://127.0.0.1:\(port)/x"}
            - {name: world, uri: "shapes://7", fps: 8}
            queries:
            - {id: open, text: a blue circle, head: mean, frames: 4, threshold: -1}
            """)
        #expect(await service.socket.reaches("READY=1"), "\(service.log)")
        try #require(try await until { try await service.place.ask("status").result?["events"]?.integer ?? 0 > 0 })
        #expect(try await service.stop() == 0, "\(service.log)")
        let told = try service.told("match.world.open")
        #expect(told.last?["phase"] == .string("end") && told.last?["reason"] == nil, "\(service.log)")
        withExtendedLifetime(server) {}
    }
}
