import Evaluation
import EvaluationRuns
import Foundation
import Matching
import Testing

@Suite("Events of a series of scores")
struct EventEvaluationTests {
    /// A window of two seconds that ends at a time.
    private func window(_ end: Double) -> WindowSpan {
        WindowSpan(mediaStart: end - 2, mediaEnd: end, wallStart: end - 2, wallEnd: end, frames: 2)
    }

    @Test("an event spans the windows that held, and the end of the video ends the last one")
    func events() {
        // The rules of EventTracker: 0.41 holds with a hysteresis of 0.1, 0.39 does not.
        let series: [(Float, Double)] = [(0.45, 1), (0.5, 2), (0.41, 3), (0.39, 4), (0.2, 6), (0.6, 10)]
        let found = EventEvaluation.events(
            series.map(\.0), series.map { window($0.1) }, threshold: 0.5, EventPolicy(hysteresis: 0.1))
        #expect(found == [.init(start: 0, end: 3), .init(start: 8, end: 10)])
    }

    @Test("a window shows a caption if it touches one of its true spans")
    func shows() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "film.events.json")
        try Data(
            #"{"video":"film.mp4","events":[{"start_s":5,"end_s":6,"captions":["a dog"]}]}"#.utf8
        ).write(to: file)
        let scores = VideoScores(truth: try EventTruth(file), spans: [], scores: [:])
        #expect([4.9, 5, 8, 8.1].map { scores.shows("a dog", window($0)) } == [false, true, true, false])
        #expect(!scores.shows("a cat", window(5)))
    }
}
