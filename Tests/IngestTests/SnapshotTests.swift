import Foundation
import Ingest
import Pixels
import Sampling
import StreamSources
import SystemSupport
import TestSupport
import Testing

@Suite("Pictures that are asked for one by one", .serialized)
struct SnapshotTests {
    private static let folder = Fixtures.repository.appending(path: "Tests/Fixtures/pictures")
    private let server: SnapshotServer
    private static let first = folder.appending(path: "444.jpg")
    private static let second = folder.appending(path: "grey.jpg")

    init() async throws { server = try await SnapshotServer([Self.first, Self.second]) }

    private func watch(
        _ path: String, fps: Double = 20, frames: Int = 4, gate: Double? = nil, template: String? = nil,
        login: Bool = false, policy: SourcePolicy? = nil
    ) async throws -> (frames: [Frame], events: [SourceEvent]) {
        let uri = path.contains("://") ? path : server.uri(path)
        var source = SourceDescription(uri: uri, template: template, fps: fps, side: 64, gate: gate)
        source.policy = policy
        let file = FileManager.default.temporaryDirectory.appending(path: "login-\(UUID())")
        defer { try? FileManager.default.removeItem(at: file) }
        if login {
            try Data("\(SnapshotServer.user):\(SnapshotServer.password)\n".utf8).write(to: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
            source.credentials = file.path
        }
        return try await play(source, frames: frames)
    }

    private func failure(_ path: String, template: String? = nil, policy: SourcePolicy? = nil) async throws -> String {
        let events = try await watch(path, frames: .max, template: template, policy: policy).events
        guard case .failed(let why) = events.last else { return "no failure: \(events)" }
        return why
    }

    private func picture(_ file: URL) throws -> Picture { try StillImage.picture(file: file.path, side: 64) }

    @Test("each sample is a picture of its own, as the picture's own decoder gives it, at its own time")
    func pictures() async throws {
        let frames = try await watch("changing.jpg").frames
        let (one, two) = (try picture(Self.first), try picture(Self.second))
        #expect(frames.map(\.picture) == [one, two, one, two])
        #expect(Set(frames.map(\.pictureNumber)).count == 4)
        // Samples lie on the grid of 1/fps; one that was late is left out.
        #expect(frames.allSatisfy { abs($0.mediaTime * 20 - ($0.mediaTime * 20).rounded()) < 1e-6 })
        // One connection serves all.
        #expect(Set(try server.requests().map(\.connection)).count == 1)
    }

    @Test("a picture that has not changed is one sample more of the same picture", arguments: ["still", "dated"])
    func unchanged(_ name: String) async throws {
        let frames = try await watch("\(name).jpg").frames
        #expect(frames.count == 4 && Set(frames.map(\.pictureNumber)).count == 1)
        #expect(frames.map(\.mediaTime) == frames.map(\.mediaTime).sorted() && Set(frames.map(\.mediaTime)).count == 4)
        let asked = try server.requests().map { $0.headers["If-None-Match"] ?? $0.headers["If-Modified-Since"] }
        #expect(asked[0] == nil && asked.dropFirst().allSatisfy { $0 != nil })
    }

    @Test("an address that is not named as a picture is asked again when it answers with one")
    func byAnswer() async throws {
        #expect(try await watch("camera.cgi?channel=1", frames: 3).frames.count == 3)
    }

    @Test("an address that is named as a picture and answers with a stream is played as that")
    func streamByAnswer() async throws {
        let (frames, events) = try await watch("film.jpg", fps: 2, frames: .max)
        #expect(frames.count == 56 && events.last == .endOfStream, "\(frames.count) \(events)")
        #expect(try server.requests().allSatisfy { $0.path == "/film.jpg" })
        #expect(try await failure("stream.jpg", template: "snapshot").contains("found a stream (multipart/"))
    }

    @Test("users and passwords are told as the server asks for them", arguments: ["basic", "digest"])
    func login(_ kind: String) async throws {
        let frames = try await watch("\(kind).jpg", frames: 3, login: true).frames
        #expect(frames.count == 3)
        let refused = try await failure("\(kind).jpg")
        #expect(refused.contains("wants a user and a password (401"), "\(refused)")
    }

    @Test("a server that is busy says for how long, and is left alone for that")
    func busy() async throws {
        let events = try await watch("busy.jpg").events
        guard case .busy(let why, let pause) = events.last else {
            Issue.record("\(events)")
            return
        }
        #expect(pause == .seconds(7) && why.contains("serves no more clients for now (503"), "\(why)")
        #expect(try server.requests().count == 1)
    }

    @Test("a pause that a server asks for is kept, and no longer than five minutes")
    func retryAfter() {
        let now = Date(timeIntervalSince1970: 784_111_777)
        #expect(RetryAfter.seconds("120") == 120 && RetryAfter.seconds("86400") == 300)
        #expect(RetryAfter.seconds("Sun, 06 Nov 1994 08:50:37 GMT", now: now) == 60)
        #expect(RetryAfter.seconds("Sun, 06 Nov 1994 08:49:30 GMT", now: now) == 0)
        #expect(RetryAfter.seconds("soon") == nil && RetryAfter.seconds("-5") == nil)

        var supervision = StreamSupervision(.live, at: .now) { 0 }
        let start = ContinuousClock.now
        _ = supervision.begin(at: start)
        #expect(supervision.observe(.busy("503", .seconds(7)), at: start) == .close)
        #expect(supervision.observe(.closed, at: start) == .rest(until: start + .seconds(7)))
        #expect(supervision.state == .backingOff("503"))
        // The next pause is the usual one again.
        _ = supervision.observe(.time, at: start + .seconds(7))
        _ = supervision.observe(.failed("404"), at: start + .seconds(7))
        #expect(supervision.observe(.closed, at: start + .seconds(7)) == .rest(until: start + .seconds(9)))
    }

    @Test("a picture that is cut off is left out; nothing but such pictures ends the source")
    func cut() async throws {
        let (frames, events) = try await watch("sometimes.jpg", frames: 4)
        let (one, two) = (try picture(Self.first), try picture(Self.second))
        #expect(frames.map(\.picture).allSatisfy { [one, two].contains($0) } && frames.count == 4)
        let warnings = events.filter { if case .warning = $0 { true } else { false } }
        #expect(!warnings.isEmpty)
        let why = try await failure("cut.jpg")
        #expect(why.contains("cut off"), "\(why)")
    }

    @Test("a picture that is too large ends the source, however large it gets")
    func tooLarge() async throws {
        let why = try await failure("endless.jpg")
        #expect(why.contains("the picture has more than 16 MiB"), "\(why)")
    }

    @Test("redirects are followed to where streams may go, and no further")
    func redirects() async throws {
        #expect(try await watch("near.jpg", frames: 2).frames.count == 2)
        #expect(try await failure("around.jpg").contains("without end"))
        #expect(try await failure("file.jpg").contains("which is no address of HTTP"))
        var policy = SourcePolicy()
        policy.addresses = [try #require(AddressRange("127.0.0.1"))]
        let inward = "inward.jpg?\(server.port)"
        #expect(try await watch(inward, frames: 1).frames.count == 1)
        let refused = try await failure(inward, policy: policy)
        #expect(refused.contains("127.0.0.2") && refused.contains("clients may not reach"), "\(refused)")
    }

    @Test("a user and a password are not told to another host")
    func secretsStay() async throws {
        _ = try await watch("inward.jpg?\(server.port)", frames: 2, login: true)
        let foreign = try server.requests().filter { $0.headers["Host"]?.hasPrefix("127.0.0.2") == true }
        #expect(!foreign.isEmpty && foreign.allSatisfy { $0.headers["Authorization"] == nil })
    }

    @Test("what is not there, or refuses, is said as of other sources")
    func refused() async throws {
        #expect(try await failure("nothing.jpg").contains("has no such stream (404"))
        #expect(try await failure("http://127.0.0.1:9/x.jpg").contains("refuses the connection"))
    }

    @Test("a local picture that is written anew is seen anew, by any way of writing it")
    func file() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "shot-\(UUID()).jpg")
        defer { try? FileManager.default.removeItem(at: file) }
        try FileManager.default.copyItem(at: Self.first, to: file)
        let source = SourceDescription(uri: file.path, fps: 20, loop: true, side: 64)
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        let (frames, continuation) = AsyncStream<Frame>.makeStream()
        let video = try VideoSource(
            source, templates: templates, onFrame: { continuation.yield($0) }, onEvent: { _ in })
        #expect(video.isLive)
        try video.start()
        defer { video.stop() }
        var seen: [Picture] = []
        var numbers: [UInt64] = []
        for await frame in frames {
            if seen.last != frame.picture { seen.append(frame.picture) }
            numbers.append(frame.pictureNumber)
            switch (seen.count, numbers.filter { $0 == frame.pictureNumber }.count) {
            // Renamed over, when it was seen twice; then written in place.
            case (1, 2): try Data(contentsOf: Self.second).write(to: file, options: .atomic)
            case (2, 2):
                let handle = try FileHandle(forWritingTo: file)
                let bytes = try Data(contentsOf: Self.first)
                try handle.write(contentsOf: bytes)
                try handle.truncate(atOffset: UInt64(bytes.count))
                try handle.close()
            default: break
            }
            if seen.count == 3 { break }
        }
        #expect(seen == [try picture(Self.first), try picture(Self.second), try picture(Self.first)])
    }

    @Test("pictures are turned as a person sees them")
    func orientation() throws {
        let all = try Fixtures.entries(of: Self.folder) { $0.lastPathComponent.hasPrefix("turn") }
        #expect(!all.isEmpty)
        for file in all {
            let bytes = [UInt8](try Data(contentsOf: file))
            let snapshot = try SnapshotPicture(decoding: bytes)
            let seen = try StillImage.picture(bytes: Data(bytes), shown: "x", side: 64)
            let made = snapshot.rgb.withUnsafeBufferPointer { rgb in
                rgb.baseAddress.map {
                    Resizer(side: 64).picture(
                        DecodedFrame(
                            rgb: $0, width: snapshot.width, height: snapshot.height, stride: snapshot.width * 3))
                }
            }
            #expect(made == seen, "\(file.lastPathComponent)")
        }
    }
}
