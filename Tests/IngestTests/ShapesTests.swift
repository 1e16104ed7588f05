import Foundation
import Ingest
import Pixels
import Sampling
import StreamSources
import TestSupport
import Testing
import World

@Suite("The shapes world as a source")
struct ShapesTests {
    @Test("shapes://SEED is live, and what it shows moves on")
    func live() async throws {
        let (frames, events) = try await play(SourceDescription(uri: "shapes://7", fps: 4, side: 32), frames: 24)
        #expect(frames.count == 24)
        #expect(events.contains(.formatChanged("320x240")))
        #expect(zip(frames, frames.dropFirst()).allSatisfy { $0.mediaTime < $1.mediaTime })
        #expect(Set(frames.map(\.picture.rgb)).count > 4)
        let source = try VideoSource(
            SourceDescription(uri: "shapes://7", fps: 4, side: 32),
            templates: PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines")),
            onFrame: { _ in }, onEvent: { _ in })
        #expect(source.isLive)
    }

    @Test(
        "a seed that is none is refused by one sentence", arguments: ["shapes://", "shapes://x", "shapes://7?hours=1"])
    func seeds(_ uri: String) throws {
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        #expect(throws: SourceError.self) {
            try VideoSource(
                SourceDescription(uri: uri, fps: 4, side: 32), templates: templates, onFrame: { _ in },
                onEvent: { _ in })
        }
    }

    @Test("a sentence about a wrong address shows none of its secrets", arguments: ["7?token=", "x?token=", "?token="])
    func secrets(_ rest: String) throws {
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        #expect {
            try VideoSource(
                SourceDescription(uri: "shapes://\(rest)hunter2", fps: 4, side: 32), templates: templates,
                onFrame: { _ in }, onEvent: { _ in })
        } throws: { error in
            error is SourceError && "\(error)".contains("seed") && !"\(error)".contains("hunter2")
        }
    }

    @Test("a film that is written as H.264 is read back frame by frame, nearly as it was drawn")
    func roundTrip() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "watchword-world-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let film = Film.finite(seed: 3, seconds: 8, width: 64, height: 64, fps: 8)
        let count = try #require(film.frameCount)
        let path = folder.appending(path: "film.mp4").path
        var drawn: [[UInt8]] = []
        var drawing = film
        for number in 0..<count { drawn.append(drawing.frame(number).pixels) }
        let pictures = drawn
        try VideoWriter(width: 64, height: 64, fps: 8).writeH264(to: path) { $0 < count ? pictures[$0] : nil }
        let frames = try await play(SourceDescription(uri: path, fps: 8, side: 64)).frames
        try #require(frames.count == count)
        for (frame, picture) in zip(frames, pictures) {
            let total = zip(frame.picture.rgb, picture).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
            #expect(Double(total) / Double(picture.count) < 8)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["film.mp4"])
    }

    @Test("a file that cannot be written is one sentence, and leaves nothing behind")
    func unwritable() throws {
        #expect(throws: VideoWriteError.self) {
            try VideoWriter(width: 64, height: 64, fps: 8).writeH264(to: "/nowhere/film.mp4") { _ in nil }
        }
    }
}
