import Foundation
import TestSupport
import Testing
import WireFormat

@Suite("Clips of events", .serialized)
struct ClipTests {
    private static let film = Fixtures.repository.appending(path: "Tests/Fixtures/videos/lobby.mp4").path
    private static let queries = ["- {id: circle, text: a blue circle, head: mean}"]

    /// Adds a camera whose packets are waited for: a machine that is busy with other tests makes them late.
    private func add(_ camera: RTSPServer, to daemon: Drilled) async throws {
        let launch =
            "rtspsrc location=\(camera.uri) protocols=tcp latency=3000 ! application/x-rtp,media=video"
            + " ! decodebin ! videoconvert name=convert ! appsink name=frames"
        try await daemon.add("gate", camera.uri, ["launch": .string(launch), "realtime": .bool(true)])
    }

    /// What ffmpeg complains of when it decodes a file.
    private func complaints(of file: String) throws -> String {
        let command = "ffmpeg -v error -i \"$1\" -f rawvideo -y /dev/null 2>&1"
        return String(decoding: try output(of: "bash", ["-c", command, "bash", file]), as: UTF8.self)
    }

    /// The status of an answer.
    private func status(_ address: String, _ more: [String] = []) throws -> String {
        let curl = ["-s", "-o", "/dev/null", "-w", "%{http_code}"] + more
        return String(decoding: try output(of: "curl", curl + [address]), as: UTF8.self)
    }

    /// What `status` says of clips.
    private func clips(_ place: Place) async throws -> JSONValue? { try await place.ask("status").result?["clips"] }

    private func count(_ key: String, _ place: Place) async throws -> Int64 {
        try await clips(place)?[key]?.integer ?? 0
    }

    @Test("an event of a real camera names a clip, which has the camera's units, and is served in parts")
    func event() async throws {
        let port = try freePort()
        let daemon = try Drilled(
            try Place(), queries: Self.queries,
            more: ["clips: {before: 2, after: 2}", "http: {listen: \"127.0.0.1:\(port)\"}"])
        let file = try Films.eventful()
        let camera = try await RTSPServer(["--file", file, "--loop"])
        try await daemon.ready()
        try await add(camera, to: daemon)
        try #require(
            try await until {
                try await daemon.messages("match.gate.circle").contains { $0["phase"]?.string == "end" }
            })
        let end = try #require(
            try await daemon.messages("match.gate.circle").first { $0["phase"]?.string == "end" })
        let event = try #require(end["event"]?.string)
        #expect(end["clip"]?.string == daemon.place.journal + ".d/clips/\(event).mp4")
        let address = "http://127.0.0.1:\(port)/api/v1/events/\(event)/clip"
        try #require(try await until { try status(address) == "200" })
        #expect(try status(address, ["-r", "0-99"]) == "206")
        let copy = daemon.place.folder.appending(path: "copy.mp4").path
        try output(of: "curl", ["-s", "-o", copy, address])

        // The camera begins again where the film's last group would begin.
        let (film, clip) = (try CodedSlices.of(file: file), try CodedSlices.of(file: copy))
        let source = film[..<(try #require(film.lastIndex { $0[0] & 31 == 5 }))]
        let first = try #require(source.firstIndex(of: clip[0]))
        // A slice that can be decoded alone.
        #expect(clip[0][0] & 31 == 5)
        let wanted = clip.indices.map { source[(first + $0) % source.count] }
        #expect(clip.count > 50 && clip == wanted)
        #expect(try await count("failed", daemon.place) == 0)
        #expect(try await count("written", daemon.place) > 0)
        #expect(try await daemon.stream("gate")?["recording"]?["codec"]?.string == "H.264")
        camera.kill()
        try await daemon.end()
    }

    @Test("a full disk stops clips and says so, while events go on; a kill leaves a clip that plays, or none")
    func faults() async throws {
        // Each has a daemon and a camera of its own, and mostly waits for it.
        let film = try Films.eventful()
        async let full: Void = fullDisk(film)
        try await killed()
        try await full
    }

    /// Makes a folder for clips.
    private func folder(of place: Place) throws -> String {
        let folder = place.folder.appending(path: "clips").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    /// A daemon that is killed in the middle of an event, which lasts for seven seconds of the film.
    private func killed() async throws {
        let place = try Place()
        let folder = try folder(of: place)
        let more = ["clips: {before: 1, after: 3, directory: \(folder)}"]
        let camera = try await RTSPServer(["--file", Self.film, "--loop"])
        let killed = try Drilled(place, queries: Self.queries, more: more)
        try await killed.ready()
        try await add(camera, to: killed)
        try #require(
            try await until {
                try FileManager.default.contentsOfDirectory(atPath: folder).contains { $0.hasSuffix(".part") }
            })
        // Three seconds of the event.
        try #require(try await killed.plays("gate", frames: 12))
        let process = killed.program.identifier
        killed.program.kill()
        #expect(try await until { kill(process, 0) != 0 })
        let daemon = try Drilled(place, queries: Self.queries, more: more)
        try await daemon.ready()
        let interrupted = try await daemon.messages("match.gate.circle").last { $0["reason"]?.string == "interrupted" }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".mp4") }
        // The event that was open names what there is of its clip.
        if let event = interrupted?["event"]?.string {
            #expect((interrupted?["clip"]?.string != nil) == names.contains("\(event).mp4"))
        }
        for name in names {
            #expect(try complaints(of: "\(folder)/\(name)") == "", "\(name)")
        }
        camera.kill()
        try await daemon.end()
    }

    /// A disk of 280 MB for clips: with room, then without, then with room again.
    private func fullDisk(_ film: String) async throws {
        let place = try Place()
        let folder = try folder(of: place)
        let camera = try await RTSPServer(["--file", film, "--loop"])
        let mount = "mount -t tmpfs -o size=280m disk \"$1\" && shift && exec \"$@\""
        let daemon = try Drilled(
            place, queries: Self.queries, more: ["clips: {before: 1, after: 1, directory: \(folder)}"],
            within: ["/usr/bin/unshare", "-rm", "bash", "-c", mount, "bash", folder])
        try await daemon.ready()
        try await add(camera, to: daemon)
        try #require(try await until { try await count("written", place) > 0 })
        let full = URL(filePath: "/proc/\(daemon.program.identifier)/root\(folder)/full")
        try Data(count: 40_000_000).write(to: full)
        try #require(try await until { try await count("failed", place) > 0 })
        #expect(try await clips(place)?["problem"]?.string == "less than 256 MB of the disk are free")
        let told = try await daemon.messages("match.gate.circle").count
        #expect(try await until { try await daemon.messages("match.gate.circle").count > told + 2 })
        try FileManager.default.removeItem(at: full)
        let written = try await count("written", place)
        #expect(try await until { try await count("written", place) > written })
        #expect(try await clips(place)?["problem"] == nil)
        camera.kill()
        try await daemon.end()
    }

    @Test("a disk that takes no more costs the clips that are written, which is said; events and the stream go on")
    func noSpace() async throws {
        let place = try Place()
        let folder = try folder(of: place)
        let camera = try await RTSPServer(["--file", try Films.eventful(), "--loop"])
        let mount = "mount -t tmpfs -o size=8m disk \"$1\" && shift && exec \"$@\""
        let daemon = try Drilled(
            place, queries: Self.queries,
            more: ["clips: {before: 1, after: 1, free_megabytes: 0, directory: \(folder)}"],
            within: ["/usr/bin/unshare", "-rm", "bash", "-c", mount, "bash", folder])
        try await daemon.ready()
        try await add(camera, to: daemon)
        try #require(try await until { try await count("written", place) > 0 })
        let disk = "/proc/\(daemon.program.identifier)/root\(folder)"
        @Sendable func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: disk) }
        // In the middle of a clip the kernel has no room for it any more.
        #expect(try await until { try names().contains { $0.hasSuffix(".part") } })
        try Self.fill("\(disk)/full")
        try #require(try await until { try await count("failed", place) > 0 })
        #expect(try await clips(place)?["problem"]?.string?.contains("No space left") == true)
        let told = try await daemon.messages("match.gate.circle").count
        #expect(try await until { try await daemon.messages("match.gate.circle").count > told + 2 })
        #expect(try await daemon.plays("gate"))
        #expect(try await daemon.stream("gate")?["restarts"]?.integer == 0)
        try FileManager.default.removeItem(atPath: "\(disk)/full")
        let written = try await count("written", place)
        #expect(try await until { try await count("written", place) > written })
        #expect(try await clips(place)?["problem"] == nil)
        for name in try names() where name.hasSuffix(".mp4") {
            let copy = place.folder.appending(path: name).path
            try FileManager.default.copyItem(atPath: "\(disk)/\(name)", toPath: copy)
            #expect(try complaints(of: copy) == "", "\(name)")
        }
        camera.kill()
        try await daemon.end()
    }

    @Test("an event of a camera that sends JPEGs, and one of a raw source, have a strip of pictures")
    func strips() async throws {
        let port = try freePort()
        let always =
            "- {id: always, text: a blue circle, head: mean, streams: [raw], against: [a dark room],"
            + " probability: 0.000000001}"
        let daemon = try Drilled(
            try Place(), queries: Self.queries + [always],
            more: ["clips: {before: 2, after: 1}", "http: {listen: \"127.0.0.1:\(port)\"}"])
        let camera = try await RTSPServer(["--file", try Films.eventful(), "--loop", "--mjpeg"])
        try await daemon.ready()
        try await daemon.add("jpeg", camera.uri)
        try await daemon.add("raw", "shapes://7")
        // When a scene of the raw source has a circle is left to chance: its event is one that begins at once, and ends
        // with its query.
        try #require(try await until { try await !daemon.messages("match.raw.always").isEmpty })
        #expect(try await daemon.plays("raw"))
        #expect(try await daemon.place.ask("query.remove", .object(["id": .string("always")])).ok)
        for topic in ["match.jpeg.circle", "match.raw.always"] {
            let hasEnded = try await until {
                try await daemon.messages(topic).contains { $0["phase"]?.string == "end" }
            }
            try #require(hasEnded, "\(topic)")
            let end = try #require(try await daemon.messages(topic).first { $0["phase"]?.string == "end" })
            let event = try #require(end["event"]?.string)
            #expect(end["clip"]?.string == daemon.place.journal + ".d/clips/\(event).jpg")
            let address = "http://127.0.0.1:\(port)/api/v1/events/\(event)/clip"
            try #require(try await until { try status(address) == "200" })
            let head = String(decoding: try output(of: "curl", ["-s", "-I", address]), as: UTF8.self).lowercased()
            #expect(head.contains("content-type: image/jpeg"))
            let copy = daemon.place.folder.appending(path: "copy.jpg").path
            try output(of: "curl", ["-s", "-o", copy, address])
            #expect(try complaints(of: copy) == "")
        }
        let problem = try await daemon.stream("jpeg")?["recording"]?["problem"]?.string
        #expect(problem?.contains("strip of pictures") == true)
        camera.kill()
        try await daemon.end()
    }

    /// Writes a file until the disk takes no more.
    private static func fill(_ path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        for size in [65_536, 512] {
            let zeros = [UInt8](repeating: 0, count: size)
            while write(file, zeros, size) > 0 {}
        }
        #expect(errno == ENOSPC)
    }
}
