import CLIP
import Foundation
import TestSupport
import Testing

/// Compares the model that Watchword trained with one that was trained elsewhere by the same recipe.
@Suite("The bundled model")
struct BundledModelTests {
    /// The output of `scripts/lab/measure-model.py` for a head.
    private struct Measured: Decodable {
        let model: String, head: String
        let text_to_video_r1: Double, f1: Double
        /// The area under the curve by film; nil if a film shows too little.
        let auc: [String: Double?]
    }

    @Test("lacks nothing, has all heads and thresholds for each, and is at most 12 MB")
    func whole() throws {
        let model = try ModelDirectory(Fixtures.bundled)
        #expect(try ModelInspection(Fixtures.bundled).problems == [])
        #expect(model.headsWithWeights == ["lstm", "tight", "transformer"])
        #expect(Set(model.defaults.thresholds.keys) == ["lstm", "mean", "tight", "transformer"])
        let files = try #require(
            FileManager.default.enumerator(at: Fixtures.bundled, includingPropertiesForKeys: [.fileSizeKey]))
        let bytes = try files.compactMap { $0 as? URL }.reduce(0) {
            try $0 + ($1.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0)
        }
        #expect(bytes <= 12_000_000, "\(bytes)")
    }

    /// A measurement of several minutes, made only by `make quality`.
    @Test(
        "finds clips, directions and events no worse than the model it replaced, with every head",
        .enabled(if: measuresQuality, "make quality"))
    func quality() async throws {
        let work = FileManager.default.temporaryDirectory.appending(path: "bundled-\(UUID())")
        defer { try? FileManager.default.removeItem(at: work) }
        let script = try Program(
            "/usr/bin/python3",
            [
                Fixtures.repository.appending(path: "scripts/lab/measure-model.py").path,
                Fixtures.shapes.path, Fixtures.bundled.path, "--json", "--work", work.path, "--clips", "500",
                "--seconds",
                "300", "--videos", Fixtures.videos.path, "--watchword", Fixtures.plugins + "/watchword",
            ])
        let found = try await script.rest()
        let rows = try JSONDecoder().decode([Measured].self, from: Data(found.utf8))
        for head in ["mean", "lstm", "transformer", "tight"] {
            let old = try #require(rows.first { $0.model == Fixtures.shapes.path && $0.head == head })
            let new = try #require(rows.first { $0.model == Fixtures.bundled.path && $0.head == head })
            // A point is five clips of 500, less than another draw of clips changes.
            #expect(new.text_to_video_r1 >= old.text_to_video_r1 - 1, "\(head)")
            #expect(new.f1 >= old.f1, "\(head)")
            // The order of frames is nothing that their mean could know.
            for (way, auc) in new.auc where head != "mean" { #expect(try #require(auc) >= 0.95, "\(head), \(way)") }
        }
    }
}
