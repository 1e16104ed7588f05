import Foundation
import Messaging
import TestSupport
import Testing
import WireFormat

/// Tests the daemon under systemd, which the tests simulate: notify socket, watchdog, signals and stop time-out.
@Suite("Under systemd", .serialized)
struct SystemdTests {
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

    @Test("a wrong configuration is one line of the journal, as an error, and not worth another start")
    func wrong() async throws {
        let service = try Service("streems: []")
        #expect(try await service.daemon.rest().isEmpty)
        #expect(try await until { !service.daemon.isRunning })
        #expect(service.log.hasPrefix("<3>watchwordd: ") && service.log.filter(\.isNewline).count == 1)
        let unit = try String(contentsOfFile: serviceUnit, encoding: .utf8)
        #expect(unit.contains("RestartPreventExitStatus=64 65 66 78\n"))
    }
}
