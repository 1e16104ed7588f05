import Foundation
import Ingest
import Sampling
import StreamSources
import TestSupport
import Testing

/// Cameras on loopback that play the lobby's film as H.264, of a script that is given the film (and a port, if asked).
private struct FilmServer {
    let uri: String
    private let program: Program

    init(_ script: String, port: String? = nil) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "camera-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let film = folder.appending(path: "film.h264").path
        // The clock of the film's own shows: no two pictures are alike.
        try output(
            of: "ffmpeg",
            ["-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25:duration=6", "-an"]
                + ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", film])
        let place = Fixtures.repository.appending(path: script).path
        program = try Program(
            "/bin/sh",
            ["-c", "exec /usr/bin/python3 \"$0\" \"$@\" 2>/dev/null", place] + (port.map { [$0] } ?? []) + [film],
            hasInput: true)
        let ready = try await program.line()
        guard ready.hasPrefix("READY") else { throw ProgramError(description: "no camera: \(ready)") }
        uri = port.map { "rtsp://127.0.0.1:\($0)" } ?? String(ready.dropFirst(6))
    }
}

@Suite("A camera's packets within its connection", .serialized)
struct PacketFeedTests {
    private static let templates = Fixtures.repository.appending(path: "Pipelines")

    private func source(_ uri: String, by template: String? = nil, _ decode: DecodeMode = .all) -> SourceDescription {
        var source = SourceDescription(uri: uri, template: template, fps: 1000, decode: decode, side: 64)
        source.frozen = 3600
        return source
    }

    /// Expects what rtspsrc gives: the same pictures, as far from each other.
    private func expectSame(_ uri: String, _ decode: DecodeMode, count: Int, common: Int) async throws {
        async let plain = play(source(uri, by: "rtsp-tcp", decode), frames: count)
        async let usual = play(source(uri, by: "rtsp", decode), frames: count)
        let (mine, theirs) = (try await plain, try await usual)
        #expect(mine.frames.count == count, "\(uri): \(mine.events)")
        // On a busy machine rtspsrc leaves packets out, and what follows up to the next keyframe is not the same.
        var times: [Double] = []
        for frame in mine.frames {
            guard let same = theirs.frames.first(where: { $0.picture == frame.picture }) else { continue }
            times.append(frame.mediaTime - same.mediaTime)
        }
        let said = "\(uri): \(times.count) of \(count) pictures are the same; \(theirs.events)"
        try #require(times.count >= common, "\(said)")
        let middle = times.sorted()[times.count / 2]
        #expect(times.allSatisfy { abs($0 - middle) < 0.3 }, "\(uri): \(times)")
        #expect(zip(mine.frames, mine.frames.dropFirst()).allSatisfy { $0.mediaTime < $1.mediaTime }, "\(uri)")
    }

    @Test("odd cameras give the pictures and times that rtspsrc gives of them")
    func odd() async throws {
        let camera = try await FilmServer("Tests/Fixtures/cameras/rtspd.py", port: "\(try freePort())")
        async let keyframes: Void = expectSame("\(camera.uri)/std", .keyframes, count: 4, common: 2)
        let paths = [
            "std", "audio1st", "meta", "absctl", "noparam", "sdponly", "nortpinfo", "nomarker", "wrap", "badsr",
        ]
        try await together(paths, atMost: 3) { path in
            try await expectSame("\(camera.uri)/\(path)", .all, count: 50, common: 8)
        }
        try await keyframes
    }

    @Test("cameras that want a user, say less than they should, or whose clocks stand, leap or run wrong, play")
    func clocks() async throws {
        let camera = try await FilmServer("Tests/Fixtures/cameras/rtspd.py", port: "\(try freePort())")
        let user = camera.uri.replacing("//", with: "//cam:p%40ss%3Aw%2For%23d%25%3F%26!%22%5C%20%C3%A9@")
        // Those that are watched longest come first.
        let paths = [
            "still", "jump", "back", "basic", "digest", "digest256", "digestqop", "x2", "half", "redir", "twovideo",
            "noctl",
        ]
        try await together(paths) { path in
            // Clocks leap at the 76th picture. Of one that stands, pictures look late after two seconds.
            let count = ["jump", "back", "still"].contains(path) ? 110 : 40
            let (frames, events) = try await play(source("\(user)/\(path)"), frames: count)
            #expect(frames.count == count, "\(path): \(frames.count) \(events)")
            #expect(zip(frames, frames.dropFirst()).allSatisfy { $0.mediaTime <= $1.mediaTime }, "\(path)")
            // Keyframes alone come once a second.
            let pauses = zip(frames, frames.dropFirst()).count { $1.mediaTime - $0.mediaTime > 0.9 }
            #expect(path != "still" || pauses < 10, "\(pauses)")
        }
        let (_, events) = try await play(source(user.replacing("cam:p", with: "cam:q") + "/digest"))
        #expect("\(events)".contains("refuses the user or the password (401 Unauthorized)"), "\(events)")
    }

    @Test("a server that means harm, or is broken, ends the source by a sentence, and takes no more than its time")
    func hostile() async throws {
        let server = try await FilmServer("scripts/servers/hostile-rtsp.py")
        let address = server.uri.replacing("rtsp://", with: "")
        for (path, sentence) in [
            ("body", "what answers at \(address) does not speak RTSP"),
            ("description", "what answers at \(address) does not speak RTSP"),
            ("unauthorized", "refuses the user or the password (401 Unauthorized)"),
            ("framing", "what answers at \(address) does not speak RTSP"),
            ("message", "what answers at \(address) does not speak RTSP"),
        ] {
            let (_, events) = try await play(source(server.uri.replacing("//", with: "//me:secret@") + "/\(path)"))
            guard case .failed(let why) = events.last else {
                Issue.record("\(path): \(events)")
                continue
            }
            #expect(why.contains(sentence), "\(path): \(why)")
        }
        for path in ["early", "asking"] {
            let (frames, events) = try await play(source("\(server.uri)/\(path)"), frames: 20)
            #expect(frames.count == 20, "\(path): \(events)")
        }
        let (frames, events) = try await play(source("\(server.uri)/ends"))
        #expect(frames.count == 10 && events.last == .endOfStream, "\(frames.count) \(events)")
        let warns = events.contains { if case .warning(let why) = $0 { why.contains("Could not read") } else { false } }
        #expect(warns, "\(events)")
    }

    @Test("a source that waits for a server which says nothing more is stopped at once")
    func stops() async throws {
        try await together(["headers", "elsewhere", "half", "silent"]) { try await expectStop($0) }
    }

    private func expectStop(_ path: String) async throws {
        let server = try await FilmServer("scripts/servers/hostile-rtsp.py")
        let source = try VideoSource(
            source("\(server.uri)/\(path)"), templates: PipelineTemplates(directory: Self.templates), onFrame: { _ in },
            onEvent: { _ in })
        try await blocking { try source.start() }
        try await Task.sleep(for: .seconds(1))
        try await blocking { source.stop() }
    }

    @Test("units that are not decoded are counted alike, and keyframes alone are decoded, whoever receives")
    func counts() async throws {
        let camera = try await FilmServer("Tests/Fixtures/cameras/rtspd.py", port: "\(try freePort())")
        try await together(["rtsp", "rtsp-tcp"]) { template in
            let record = DecodingRecord()
            let (stream, continuation) = AsyncStream<Frame>.makeStream()
            var description = self.source("\(camera.uri)/std", by: template, .auto)
            description.fps = 1
            let source = try VideoSource(
                description, templates: PipelineTemplates(directory: Self.templates), decoding: record,
                onFrame: { continuation.yield($0) }, onEvent: { _ in })
            try await blocking { try source.start() }
            var count = 0
            for await _ in stream {
                count += 1
                if count == 6 { break }
            }
            try await blocking { source.stop() }
            #expect(record.isKeyframesOnly && record.returnsToAll == 0, "\(template)")
            #expect(record.skippedUnits >= 100, "\(template): \(record.skippedUnits)")
        }
    }
}
