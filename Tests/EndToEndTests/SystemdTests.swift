import Concurrency
import Foundation
import Ingest
import Journal
import Messaging
import TestSupport
import Testing
import WireFormat

/// A head that never comes back from its first window, and says so by a file.
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

/// A plugin that leaves a mark as soon as it is opened, before anybody asks what it is.
private let plantedPlugin = """
    #include <stdio.h>
    #include <stdlib.h>
    __attribute__((constructor)) static void opened(void) {
        const char *mark = getenv("WATCHWORD_TEST_MARK");
        FILE *file = mark ? fopen(mark, "a") : NULL;
        if (file) { fputs("opened\\n", file); fclose(file); }
    }
    """

/// Runs a tool of the machine to its end; its output and what it complains of together.
private func tool(_ path: String, _ arguments: [String]) async throws -> (code: Int32, out: String) {
    try await blocking {
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let out = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, out)
    }
}

/// The tests play systemd's part: its notify socket, watchdog and signals, and the time it gives for an end.
@Suite("Under systemd", .serialized)
struct SystemdTests {
    private let unit = Fixtures.repository.appending(path: "systemd/watchword.service").path

    /// A daemon as systemd starts it.
    private struct Service {
        let place: Place
        let socket: NotifySocket
        let daemon: Program
        let errors: URL

        /// `configuration`: what its YAML says besides the sockets; `watchdog`: in microseconds.
        ///
        /// `through`: a command that runs the daemon.
        init(
            _ configuration: String, watchdog: Int = 400_000, environment: [String] = [], through: [String] = []
        ) throws {
            place = try Place()
            socket = try NotifySocket()
            errors = place.folder.appending(path: "err")
            let config = place.folder.appending(path: "w.yaml")
            let common = """
                pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)
                publish: \(place.publish)
                control: \(place.control)

                """
            try Data((common + configuration).utf8).write(to: config)
            _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
            let state = place.folder.appending(path: "disk").path
            // As systemd has it for a journal: a file's device and inode are as good.
            let script = "JOURNAL_STREAM=$(stat -c %d:%i \"$0\") exec env \"$@\" 2>>\"$0\""
            daemon = try Program(
                "/bin/sh",
                ["-c", script, errors.path] + environment + [
                    "NOTIFY_SOCKET=\(socket.name)", "WATCHDOG_USEC=\(watchdog)", "STATE_DIRECTORY=\(state)",
                    "WATCHWORD_MODEL=\(Fixtures.shapes.path)",
                ] + through + [
                    Fixtures.plugins + "/watchwordd", "--config", config.path,
                ])
        }

        var log: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }

        /// What the journal has of a topic.
        func told(_ topic: String) throws -> [JSONValue] {
            try place.entries().filter { $0.topic == topic }.map { try WireCoding.decode(JSONValue.self, $0.body) }
        }

        /// Ends it as `systemctl stop` does: SIGTERM, and SIGKILL to what has not ended by TimeoutStopSec.
        func stop() async throws -> Int32 {
            let limit = Task {
                try await Task.sleep(for: .seconds(10))
                daemon.kill()
            }
            defer { limit.cancel() }
            return try await daemon.terminate()
        }
    }

    @Test("a daemon with nothing to watch is ready, pings, and ends when it is asked to")
    func idle() async throws {
        let service = try Service("")
        #expect(await service.socket.reaches("READY=1"), "\(service.log)")
        #expect(await service.socket.reaches("STATUS=0 of 0 streams playing, 0 queries"))
        for _ in 0..<3 { #expect(await service.socket.reaches("WATCHDOG=1")) }
        #expect(try await service.stop() == 0)
        #expect(await service.socket.reaches("STOPPING=1"))
        let lines = service.log.split(separator: "\n")
        #expect(lines.count >= 3 && lines.allSatisfy { $0.hasPrefix("<6>") }, "\(service.log)")
        #expect(lines.last == "<6>stopped")
        // The journal is where systemd keeps state.
        #expect(FileManager.default.fileExists(atPath: service.place.journal))
    }

    @Test("keys, a token and a camera's password are found by name in the credentials directory; a reload is told")
    func credentials() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "c-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        func keep(_ name: String, _ text: String) throws {
            // As systemd leaves them: an access list shows as the group's mode.
            try #require(
                FileManager.default.createFile(
                    atPath: folder.appending(path: name).path, contents: Data(text.utf8),
                    attributes: [.posixPermissions: 0o440]))
        }
        let client = folder.appending(path: "client").path
        #expect(try await run("watchword", ["keygen", "-o", client]).code == 0)
        #expect(try await run("watchword", ["keygen", "-o", folder.appending(path: "curve.key").path]).code == 0)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o440], ofItemAtPath: folder.appending(path: "curve.key").path)
        try keep("curve.clients", "me \(KeyFile.publicKey(client + ".pub")) subscribe,control\n")
        let token = "a-token-of-the-test"
        try keep("web-token", token + "\n")
        try keep("lobby", "me:swordfish\n")
        let server = try await RTSPServer(
            ["--file", Fixtures.videos.appending(path: "lobby.mp4").path, "--loop", "--user", "me:swordfish"])
        let service = try Service(
            """
            curve: {key: curve.key}
            http: {listen: "127.0.0.1:0", token: web-token}
            streams:
            - {name: lobby, uri: "\(server.uri)", credentials: lobby}
            - {name: denied, uri: "\(server.uri)"}
            """, environment: ["CREDENTIALS_DIRECTORY=\(folder.path)"])
        #expect(await service.socket.reaches("READY=1"), "\(service.log)")
        let keys = [
            "--curve-key", client, "--server-key", folder.appending(path: "curve.key.pub").path, "--control",
            service.place.control,
        ]
        let plays = try await until {
            try await run("watchword", ["stream", "show", "lobby", "--json"] + keys).out.contains("\"playing\"")
        }
        #expect(plays, "\(service.log)")
        #expect(try await run("watchword", ["stream", "show", "denied", "--json"] + keys).out.contains("Unauthorized"))
        #expect(try await run("watchword", ["status", "--control", service.place.control]).code != 0)

        let address = try #require(try /http:\/\/127\.0\.0\.1:\d+/.firstMatch(in: service.log)).output
        for (header, status) in [("X: y", "401"), ("Authorization: Bearer \(token)", "200")] {
            let asked = try await tool(
                "/usr/bin/curl",
                ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", header, address + "/api/v1/status"])
            #expect(asked.out == status)
        }

        service.daemon.send(SIGHUP)
        #expect(await service.socket.reaches("RELOADING=1\nMONOTONIC_USEC="))
        #expect(await service.socket.reaches("READY=1"))
        #expect(try await service.stop() == 0)
        #expect(!service.log.contains("swordfish") && !service.log.contains(token))
        withExtendedLifetime(server) {}
    }

    /// A daemon with an open event, whose other query's head then hangs; returns when it does.
    ///
    /// The event opens with the first window of four frames; the other's window is longer.
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
        async let first = service.daemon.terminate()
        #expect(await service.socket.reaches("STOPPING=1"))
        // Sooner it would be the same wish, told twice.
        try await Task.sleep(for: .milliseconds(1200))
        #expect(try await service.daemon.terminate() == SIGTERM)
        #expect(try await first == SIGTERM)
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

    @Test(
        "every head finds events with no system calls and address families but the unit's, and none of its files is executed"
    )
    func confined() async throws {
        let confined = Fixtures.repository.appending(path: "scripts/deb/confined.py").path
        let queries = ["mean", "lstm", "transformer", "tight"]
            .map { "- {id: \($0), text: a blue circle, head: \($0), threshold: -100}" }
        let environment = try String(contentsOfFile: unit, encoding: .utf8).split(separator: "\n")
            .filter {
                $0.hasPrefix("Environment=LIBDISPATCH") || $0.hasPrefix("Environment=GST")
                    || $0.hasPrefix("Environment=HOME")
            }.map { String($0.dropFirst("Environment=".count)) }
        let service = try Service(
            (["streams:", "- {name: world, uri: \"shapes://7\"}", "queries:"] + queries).joined(separator: "\n"),
            environment: environment, through: ["/usr/bin/python3", confined, unit])
        #expect(await service.socket.reaches("READY=1"), "\(service.log)")
        // Each query's event never ends.
        try #require(try await until { try await service.place.ask("status").result?["events"]?.integer ?? 0 == 4 })
        #expect(try await service.stop() == 0, "\(service.log)")
        #expect(try Set(service.place.entries().compactMap(\.query)) == ["mean", "lstm", "transformer", "tight"])
        // No library complains of what it may not do.
        #expect(service.log.split(separator: "\n").allSatisfy { $0.hasPrefix("<6>") }, "\(service.log)")
    }

    /// What the unit says of a setting, each word of all of its lines.
    private func words(_ setting: String) throws -> [String] {
        try String(contentsOfFile: unit, encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix(setting + "=") }.flatMap { $0.dropFirst(setting.count + 1).split(separator: " ") }
            .map(String.init)
    }

    @Test("nothing that the service may write can be executed, be its home, or lead GStreamer to other plugins")
    func unwritable() throws {
        func isBelow(_ path: String, _ folders: [String]) -> Bool {
            folders.contains { $0 == "/" || path == $0 || path.hasPrefix($0 + "/") }
        }
        let writable =
            try ["/tmp", "/var/tmp", "/dev/shm"]
            + [("StateDirectory", "/var/lib/"), ("CacheDirectory", "/var/cache/"), ("RuntimeDirectory", "/run/")]
            .flatMap {
                setting, root in try words(setting).flatMap { [root + $0, root + "private/" + $0] }
            }
        #expect(writable.count == 9)
        for path in writable {
            #expect(try isBelow(path, words("NoExecPaths")) && !isBelow(path, words("ExecPaths")), "\(path)")
        }
        let environment = try words("Environment")
        for name in ["HOME", "GST_REGISTRY"] {
            let value = try #require(environment.first { $0.hasPrefix(name + "=") }).dropFirst(name.count + 1)
            #expect(
                !isBelow(String(value), writable) && !FileManager.default.fileExists(atPath: String(value)), "\(value)")
        }
        let unset = try Set(words("UnsetEnvironment"))
        let leading =
            PluginSearch.forgotten + PluginSearch.nowhere + ["GST_PLUGIN_SYSTEM_PATH_1_0", "GST_REGISTRY_1_0"]
        #expect(unset.isSuperset(of: leading + ["XDG_DATA_HOME", "LD_PRELOAD", "LD_LIBRARY_PATH"]))
        #expect(try words("StateDirectoryMode") == ["0700"] && words("CacheDirectoryMode") == ["0700"])
    }

    @Test("a plugin that a pipeline left where GStreamer looks for more is not loaded at the next start")
    func planted() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "evil-\(UUID().uuidString.prefix(8))").path
        let home = folder + "/home"
        let places = [
            home + "/.local/share/gstreamer-1.0/plugins", home + "/.frei0r-1/lib",
            folder + "/data/gstreamer-1.0/plugins",
            folder + "/path", folder + "/path10", folder + "/system", folder + "/system10", folder + "/frei0r",
        ]
        let source = folder + "/evil.c"
        for place in places {
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        }
        try Data(plantedPlugin.utf8).write(to: URL(filePath: source))
        let built = try await tool("/usr/bin/cc", ["-shared", "-fPIC", "-o", folder + "/evil.so", source])
        try #require(built.code == 0, "\(built.out)")
        for place in places {
            try FileManager.default.copyItem(atPath: folder + "/evil.so", toPath: place + "/libgstevil.so")
        }
        let (scanner, marker) = (folder + "/scanner", folder + "/marker")
        try Data("#!/bin/sh\necho scanner >\(marker)\nexit 1\n".utf8).write(to: URL(filePath: scanner))
        chmod(scanner, 0o755)
        let led = [
            "HOME=\(home)", "XDG_DATA_HOME=\(folder)/data", "GST_PLUGIN_PATH=\(folder)/path",
            "GST_PLUGIN_PATH_1_0=\(folder)/path10", "FREI0R_PATH=\(folder)/frei0r", "WATCHWORD_TEST_MARK=\(marker)",
        ]
        // A program that is a person's own is led there: the trap works.
        _ = try await tool(
            "/usr/bin/env",
            led + ["GST_REGISTRY=\(folder)/registry", Fixtures.plugins + "/watchword", "doctor"])
        try #require(FileManager.default.fileExists(atPath: marker))
        unlink(marker)
        let lobby = Fixtures.videos.appending(path: "lobby.mp4").path
        let service = try Service(
            "streams:\n- {name: lobby, uri: \"\(lobby)\", loop: true}",
            environment: led + [
                "GST_PLUGIN_SYSTEM_PATH=\(folder)/system", "GST_PLUGIN_SYSTEM_PATH_1_0=\(folder)/system10",
                "GST_PLUGIN_SCANNER=\(scanner)", "GST_PLUGIN_SCANNER_1_0=\(scanner)",
            ])
        #expect(await service.socket.reaches("READY=1"), "\(service.log)")
        let plays = try await until { try await service.place.ask("status").result?["encoded"]?.integer ?? 0 > 0 }
        #expect(plays, "\(service.log)")
        #expect(try await service.stop() == 0)
        #expect(
            !FileManager.default.fileExists(atPath: marker),
            "\((try? String(contentsOfFile: marker, encoding: .utf8)) ?? "")")
    }

    @Test("a wrong configuration is one line of the journal, as an error, and not worth another start")
    func wrong() async throws {
        let service = try Service("streems: []")
        #expect(try await service.daemon.rest().isEmpty)
        #expect(try await until { !service.daemon.isRunning })
        #expect(service.log.hasPrefix("<3>watchwordd: ") && service.log.filter(\.isNewline).count == 1)
        #expect(try String(contentsOfFile: unit, encoding: .utf8).contains("RestartPreventExitStatus=64 65 66 78\n"))
    }

    @Test("systemd finds nothing wrong with the unit, and an exposure of 1.2 or less")
    func exposure() async throws {
        // Where the package puts it; here it lies in the build.
        let copy = FileManager.default.temporaryDirectory.appending(path: "u-\(UUID())/watchword.service")
        try FileManager.default.createDirectory(
            at: copy.deletingLastPathComponent(), withIntermediateDirectories: true)
        try String(contentsOfFile: unit, encoding: .utf8)
            .replacing("/usr/sbin/watchwordd", with: Fixtures.plugins + "/watchwordd")
            .write(to: copy, atomically: true, encoding: .utf8)
        let verified = try await tool("/usr/bin/systemd-analyze", ["verify", "--man=no", copy.path])
        #expect(verified.code == 0 && verified.out.isEmpty, "\(verified.out)")
        let found = try await tool(
            "/usr/bin/systemd-analyze", ["security", "--offline=true", "--no-pager", "--threshold=12", copy.path])
        let line = try #require(found.out.split(separator: "\n").last { $0.contains("Overall exposure level") })
        print(line)
        let level = try #require(try /.*: (\d+\.\d) .*/.wholeMatch(in: line)?.1)
        #expect(try #require(Double(level)) <= 1.2 && found.code == 0)
    }
}
