import Foundation
import Ingest
import Journal
import TestSupport
import Testing
import WireFormat

/// A plugin that leaves a mark as soon as it is loaded, before it is inspected.
private let plantedPlugin = """
    #include <stdio.h>
    #include <stdlib.h>
    __attribute__((constructor)) static void opened(void) {
        const char *mark = getenv("WATCHWORD_TEST_MARK");
        FILE *file = mark ? fopen(mark, "a") : NULL;
        if (file) { fputs("opened\\n", file); fclose(file); }
    }
    """

@Suite("The unit of systemd", .serialized)
struct UnitTests {
    private let unit = serviceUnit

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

    /// The words of a setting in the unit file, over all of its lines.
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
