import Foundation
import TestSupport
import Testing
import WireFormat

@Suite("Clips of events", .serialized)
struct ClipTests {
    private static let film = Fixtures.repository.appending(path: "Tests/Fixtures/videos/lobby.mp4").path

    /// What ffmpeg complains of when it decodes a file.
    private func complaints(of file: String) throws -> String {
        let command = "ffmpeg -v error -i \"$1\" -f rawvideo -y /dev/null 2>&1"
        return String(decoding: try output(of: "bash", ["-c", command, "bash", file]), as: UTF8.self)
    }

    /// Adds a camera whose packets are waited for: a machine that is busy with other tests makes them late.
    private func add(_ camera: RTSPServer, to daemon: Drilled) async throws {
        let launch =
            "rtspsrc location=\(camera.uri) protocols=tcp latency=3000 ! application/x-rtp,media=video"
            + " ! decodebin ! videoconvert name=convert ! appsink name=frames"
        try await daemon.add("gate", camera.uri, ["launch": .string(launch), "realtime": .bool(true)])
    }

    @Test("an event of a real camera names a clip, which has the camera's units, and is served in parts")
    func event() async throws {
        let port = try freePort()
        let daemon = try Drilled(
            try Place(), queries: ["- {id: circle, text: a blue circle, head: mean}"],
            more: ["clips: {before: 2, after: 2}", "http: {listen: \"127.0.0.1:\(port)\"}"])
        let camera = try await RTSPServer(["--file", Self.film, "--loop"])
        try await daemon.ready()
        try await add(camera, to: daemon)
        try #require(
            try await until {
                try await daemon.messages("match.gate.circle").contains { $0["phase"]?.string == "end" }
            })
        let end = try #require(
            try await daemon.messages("match.gate.circle").first { $0["phase"]?.string == "end" })
        let event = try #require(end["event"]?.string)
        let file = try #require(end["clip"]?.string)
        #expect(file == daemon.place.journal + ".d/clips/\(event).mp4")
        let address = "http://127.0.0.1:\(port)/api/v1/events/\(event)/clip"
        func status(_ more: [String] = []) throws -> String {
            let curl = ["-s", "-o", "/dev/null", "-w", "%{http_code}"] + more
            return String(decoding: try output(of: "curl", curl + [address]), as: UTF8.self)
        }
        try #require(try await until { try status() == "200" })
        #expect(try status(["-r", "0-99"]) == "206")
        let copy = daemon.place.folder.appending(path: "copy.mp4").path
        try output(of: "curl", ["-s", "-o", copy, address])

        let (source, clip) = (try CodedSlices.of(file: Self.film), try CodedSlices.of(file: copy))
        let first = try #require(source.firstIndex(of: clip[0]))
        // A slice that can be decoded alone.
        #expect(clip[0][0] & 31 == 5)
        let wanted = clip.indices.map { source[(first + $0) % source.count] }
        #expect(clip.count > 50 && clip == wanted)
        let clips = try await daemon.place.ask("status").result?["clips"]
        #expect(clips?["failed"]?.integer == 0 && (clips?["written"]?.integer ?? 0) > 0)
        #expect(try await daemon.stream("gate")?["recording"]?["codec"]?.string == "H.264")
        camera.kill()
        try await daemon.end()
    }

    @Test("a full disk stops clips and says so, while events go on; a kill leaves a clip that plays, or none")
    func faults() async throws {
        let place = try Place()
        let clips = place.folder.appending(path: "clips").path
        try FileManager.default.createDirectory(atPath: clips, withIntermediateDirectories: true)
        let port = try freePort()
        let more = ["clips: {before: 1, after: 3, directory: \(clips)}", "http: {listen: \"127.0.0.1:\(port)\"}"]
        let queries = ["- {id: circle, text: a blue circle, head: mean}"]
        let camera = try await RTSPServer(["--file", Self.film, "--loop"])
        let mount = "mount -t tmpfs -o size=280m disk \"$1\" && shift && exec \"$@\""
        let disk = ["/usr/bin/unshare", "-rm", "bash", "-c", mount, "bash", clips]
        var daemon = try Drilled(place, queries: queries, more: more, within: disk)
        try await daemon.ready()
        try await add(camera, to: daemon)
        func state() async throws -> JSONValue? { try await place.ask("status").result?["clips"] }
        try #require(try await until { try await state()?["written"]?.integer ?? 0 > 0 })
        let full = "/proc/\(daemon.program.identifier)/root\(clips)/full"
        try Data(count: 40_000_000).write(to: URL(filePath: full))
        try #require(try await until { try await state()?["failed"]?.integer ?? 0 > 0 })
        #expect(try await state()?["problem"]?.string == "less than 256 MB of the disk are free")
        let told = try await daemon.messages("match.gate.circle").count
        #expect(try await until { try await daemon.messages("match.gate.circle").count > told + 2 })
        try FileManager.default.removeItem(atPath: full)
        let written = try await state()?["written"]?.integer ?? 0
        #expect(try await until { try await state()?["written"]?.integer ?? 0 > written })
        #expect(try await state()?["problem"] == nil)
        try await daemon.end()

        daemon = try Drilled(place, queries: queries, more: more)
        try await daemon.ready()
        func parts() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: clips).filter { $0.hasSuffix(".part") }
        }
        try #require(try await until { try !parts().isEmpty })
        try await Task.sleep(for: .seconds(3))
        daemon.program.kill()
        #expect(try await until { kill(daemon.program.identifier, 0) != 0 })
        daemon = try Drilled(place, queries: queries, more: more)
        try await daemon.ready()
        for name in try FileManager.default.contentsOfDirectory(atPath: clips) where name.hasSuffix(".mp4") {
            #expect(try complaints(of: "\(clips)/\(name)") == "")
        }
        camera.kill()
        try await daemon.end()
    }
}
