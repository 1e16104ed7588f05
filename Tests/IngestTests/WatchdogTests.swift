import Foundation
import StreamSources
import TestSupport
import Testing

@Suite("Nothing that a file holds hangs", .serialized)
struct WatchdogTests {
    /// The films and pictures of all suites; of the six long videos, which one program made, a plain and a noisy one.
    private static func corpus() throws -> [URL] {
        let fixtures = Fixtures.repository.appending(path: "Tests/Fixtures")
        let kinds: Set<String> = [
            "mp4", "gif", "mjpeg", "h264", "png", "jpg", "webp", "bmp", "tiff", "heic", "avif",
        ]
        return try ["videos", "films", "inputs", "pictures", "checkpoints"].flatMap { folder in
            try Fixtures.entries(of: fixtures.appending(path: folder)) {
                kinds.contains($0.pathExtension)
                    && (folder != "videos" || ["lobby.mp4", "gate.mp4"].contains($0.lastPathComponent))
            }
        }
    }

    /// A generator with the same numbers in every run.
    private struct Chance: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }

    /// The ways in which memory cards, networks and people damage a file.
    private static func variants(_ bytes: Data) -> [(name: String, bytes: Data)] {
        var garbled = bytes
        var chance = Chance(state: UInt64(bytes.count))
        for _ in 0..<max(8, bytes.count / 500) {
            garbled[Int.random(in: 0..<bytes.count, using: &chance)] = UInt8.random(in: 0...255, using: &chance)
        }
        var holed = bytes
        holed.replaceSubrange(bytes.count / 3..<bytes.count / 2, with: Data(count: bytes.count / 2 - bytes.count / 3))
        return [
            ("whole", bytes), ("head", bytes.prefix(40)), ("half", bytes.prefix(bytes.count / 2)),
            ("cut", bytes.prefix(bytes.count - 20)), ("garbled", garbled), ("holed", holed),
            ("headless", bytes.dropFirst(32)), ("twice", bytes + bytes),
        ]
    }

    @Test("every file of the corpus, and what damage makes of it, ends by pictures or by one sentence")
    func corpusEnds() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "watchdog-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await together(Self.corpus(), atMost: 3) { file in
            let place = folder.appending(path: file.deletingLastPathComponent().lastPathComponent)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            for (name, bytes) in Self.variants(try Data(contentsOf: file)) {
                let copy = place.appending(path: "\(name)-\(file.lastPathComponent)")
                try Data(bytes).write(to: copy)
                let (frames, end) = try await outcome(
                    of: SourceDescription(uri: copy.path, fps: 2, side: 32), patience: .seconds(5),
                    within: .seconds(60))
                switch end {
                case .endOfStream: #expect(frames > 0, "\(copy.lastPathComponent): it ends without a picture")
                case .failed(let why):
                    #expect(
                        why.contains(copy.lastPathComponent) && why.count < 400 && !why.contains("\n"), "\(why)")
                default: Issue.record("\(copy.lastPathComponent): it hangs")
                }
                try FileManager.default.removeItem(at: copy)
            }
        }
    }
}
