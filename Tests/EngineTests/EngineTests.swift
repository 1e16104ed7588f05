import CLIP
import Engine
import Foundation
import Heads
import Matching
import Pixels
import Sampling
import TestSupport
import Testing

private func frame(_ time: Double, jump: Bool = false) -> LaneItem {
    .frame(
        Frame(
            picture: Picture(side: 64, rgb: [UInt8](repeating: 90, count: 64 * 64 * 3)),
            pictureNumber: UInt64(time * 1000), mediaTime: time, wallClock: Date(timeIntervalSince1970: time),
            discontinuity: jump))
}

@Suite("The frame queue")
struct FrameQueueTests {
    private func times(_ items: [QueuedItem]?) -> [String] {
        (items ?? []).map { item in
            switch item.item {
            case .frame(let frame): "\(item.stream) \(Int(frame.mediaTime))"
            case .end: "\(item.stream) end"
            }
        }
    }

    @Test("a live stream loses its oldest waiting frame, counted, and never waits; an end always has room")
    func live() async {
        let queue = FrameQueue(depth: 2)
        queue.open("a", policy: .dropOldest)
        for time in 0..<5 { queue.post(frame(Double(time)), to: "a") }
        #expect(queue.dropped("a") == 3 && queue.depthNow == 2)
        #expect(times(await queue.next(limit: 8, maxDelay: .zero)) == ["a 3", "a 4"])
        let file = FrameQueue(depth: 2)
        file.open("f", policy: .wait)
        for time in 0..<2 { file.post(frame(Double(time)), to: "f") }
        file.post(.end, to: "f")
        #expect(times(await file.next(limit: 8, maxDelay: .zero)) == ["f 0", "f 1", "f end"])
    }

    @Test("a file waits for room and loses nothing")
    func file() async {
        let queue = FrameQueue(depth: 2)
        queue.open("f", policy: .wait)
        Thread {
            for time in 0..<50 { queue.post(frame(Double(time)), to: "f") }
            queue.post(.end, to: "f")
        }.start()
        var seen: [String] = []
        while seen.last != "f end" { seen += times(await queue.next(limit: 3, maxDelay: .zero)) }
        #expect(seen == (0..<50).map { "f \($0)" } + ["f end"])
    }

    @Test("lanes are emptied in turn")
    func fair() async {
        let queue = FrameQueue(depth: 8)
        for name in ["a", "b"] { queue.open(name, policy: .dropOldest) }
        for time in 0..<6 { queue.post(frame(Double(time)), to: "a") }
        queue.post(frame(9), to: "b")
        #expect(times(await queue.next(limit: 3, maxDelay: .zero)) == ["a 0", "b 9", "a 1"])
        queue.close("a")
        #expect(queue.depthNow == 0)
        queue.finish()
        #expect(await queue.next(limit: 3, maxDelay: .zero) == nil)
    }
}

@Suite("The scoring engine")
struct ScoringEngineTests {
    private func engine(partial: Bool = false) throws -> ScoringEngine {
        try ScoringEngine(
            model: ModelDirectory(Fixtures.shapes), finder: .standard(first: [Fixtures.plugins]), partial: partial)
    }

    private func items(_ range: Range<Int>) -> [QueuedItem] {
        range.map { QueuedItem(stream: "s", item: frame(Double($0))) }
    }

    /// A query that every window matches.
    private func always(_ head: String = "mean", text: String = "a circle") throws -> StandingQuery {
        try StandingQuery(id: "q", text: text, head: head, frames: 4, rule: .score(-1000))
    }

    @Test(
        "only full windows start events; each way to stop watching ends them",
        arguments: ["jump", "end", "stream", "query", "replace"])
    func endings(_ way: String) async throws {
        let engine = try engine()
        _ = try await engine.add(always())
        await engine.addLane("s")
        #expect(try await engine.process(items(0..<3)).detections.isEmpty)
        let started = try await engine.process(items(3..<5)).detections
        #expect(started.map(\.transition.phase) == [.start])
        #expect(started.first?.transition.mediaStart == 0 && started.first?.transition.mediaEnd == 3)
        let ended: [Detection] =
            switch way {
            case "jump": try await engine.process([QueuedItem(stream: "s", item: frame(9, jump: true))]).detections
            case "end": try await engine.process([QueuedItem(stream: "s", item: .end)]).detections
            case "stream": await engine.removeLane("s")
            case "query": await engine.remove("q") ?? []
            default: try await engine.add(always(text: "a star")).ended
            }
        #expect(ended.map(\.transition.phase) == [.end] && ended.first?.event == started.first?.event)
        #expect(ended.first?.transition.mediaEnd == 4)
    }

    @Test(
        "a batch gives the same scores as its frames one by one", arguments: ["mean", "lstm", "transformer", "tight"])
    func batches(_ head: String) async throws {
        var all: [[Float?]] = []
        for size in [1, 5] {
            let engine = try engine(partial: true)
            _ = try await engine.add(always(head))
            await engine.addLane("s")
            var scores: [Float?] = []
            for start in stride(from: 0, to: 10, by: size) {
                scores += try await engine.process(items(start..<start + size), wantScores: true).scores.map(\.score)
            }
            all.append(scores)
        }
        #expect(all[0].count == 10 && all[1].count == 10)
        for (a, b) in zip(all[0], all[1]) { #expect(abs((a ?? .nan) - (b ?? .infinity)) < 1e-3) }
    }

    @Test("a pairing head scores the mean head's best candidates and says which pairs it left out")
    func rerank() async throws {
        let engine = try ScoringEngine(
            model: ModelDirectory(Fixtures.shapes), finder: .standard(first: [Fixtures.plugins]), rerank: 2)
        for (index, text) in ["a circle", "a star", "a heart", "a dark room"].enumerated() {
            _ = try await engine.add(
                StandingQuery(id: "q\(index)", text: text, head: "tight", frames: 4, rule: .score(1000)))
        }
        await engine.addLane("s")
        let scores = try await engine.process(items(0..<4), wantScores: true).scores
        #expect(scores.count == 4 && scores.count { $0.score == nil } == 2)
    }

    @Test("phrasings and prompts make one embedding: the mean of the unit ones, as long as they are")
    func ensemble() async throws {
        let engine = try engine()
        func query(_ phrasings: [String], _ prompts: [String]) throws -> StandingQuery {
            var settings = StandingQuery.Settings()
            settings.prompts = prompts
            return try StandingQuery(
                id: "q", text: "a circle", phrasings: phrasings, head: "mean", frames: 4, rule: .score(0),
                settings: settings)
        }
        let alone = try await engine.embed(text: "a circle").embedding
        #expect(try await engine.embed(query([], [])).query == alone)
        #expect(try await engine.embed(query([], ["{}"])).query == alone)
        let sentences = ["a photo of a circle", "a circle", "a photo of a ring", "a ring"]
        let both = try query(["a ring"], ["a photo of {}", "{}"])
        #expect(both.sentences == sentences)
        var mean = [Double](repeating: 0, count: alone.count)
        var length = 0.0
        for sentence in sentences {
            let embedding = try await engine.embed(text: sentence).embedding.map(Double.init)
            let norm = embedding.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for i in mean.indices { mean[i] += embedding[i] / norm }
            length += norm / Double(sentences.count)
        }
        let norm = mean.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let found = try await engine.embed(both).query
        #expect(zip(found, mean).allSatisfy { abs(Double($0) - $1 / norm * length) < 1e-4 })
        for prompt in ["a photo", "{} and {}"] {
            #expect { try query([], [prompt]) } throws: { "\($0)".contains("must hold {} once") }
        }
        #expect(throws: QueryError.self) { try query([" "], []) }
        #expect(throws: QueryError.self) { try query([String](repeating: "x", count: 300), []) }
    }
}
