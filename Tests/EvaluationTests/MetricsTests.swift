import Checkpoints
import Evaluation
import Foundation
import TestSupport
import Testing

private struct Golden: Decodable {
    struct Direction: Decodable {
        let R1, R5, R10, MdR, MnR: Double
        let ranks0: [Int]?
    }
    struct Case: Decodable {
        let name, kind: String
        let texts, videos: Int
        let sentences_per_video: [Int]
        let text_to_video, video_to_text: Direction
    }
    let cases: [Case]
}

@Suite("Retrieval metrics")
struct MetricsTests {
    private let folder = Fixtures.reference.appending(path: "metrics")

    private func check(_ ranking: Ranking, _ golden: Golden.Direction, _ name: String) throws {
        if let ranks = golden.ranks0 { #expect(Array(ranking.ranks.joined()) == ranks, "\(name)") }
        let metrics = try #require(RetrievalMetrics(ranking))
        let expected = [golden.R1, golden.R5, golden.R10, golden.MdR, golden.MnR]
        #expect(metrics.named.map(\.value) == expected, "\(name)")
    }

    @Test("are the reference's to the last digit: ties, missing numbers, several sentences a video")
    func goldens() throws {
        let golden = try Fixtures.json(Golden.self, folder.appending(path: "metrics.json"))
        let file = try Fixtures.safetensors(folder.appending(path: "similarities.safetensors"))
        #expect(golden.cases.count >= 9)
        for item in golden.cases {
            let owners = item.sentences_per_video.enumerated().flatMap { [Int](repeating: $0, count: $1) }
            let similarities = Similarities(
                try file.floats(item.name, shape: [item.texts, item.videos]), videos: item.videos, videoOfText: owners)
            let pairing = try #require(Pairing(rawValue: item.kind))
            let (texts, videos) = Ranking.both(similarities, pairing)
            try check(texts, item.text_to_video, "\(item.name), text to video")
            try check(videos, item.video_to_text, "\(item.name), video to text")
        }
    }

    @Test("of nothing are nothing")
    func nothing() {
        let similarities = Similarities([.nan], videos: 1, videoOfText: [0])
        let ranking = Ranking.both(similarities, .oneToOne).textToVideo
        #expect(RetrievalMetrics(ranking) == nil)
        #expect(Bootstrap.intervals(ranking, cluster: [0]) == nil)
    }

    @Test("have intervals that a seed determines, that hold the metric, and that narrow with more queries")
    func intervals() throws {
        func ranking(_ count: Int) -> Ranking { Ranking(.plain, ranks: (0..<count).map { [($0 * 7919) % 13] }) }
        func intervals(_ count: Int, seed: UInt64) throws -> MetricIntervals {
            try #require(Bootstrap.intervals(ranking(count), cluster: Array(0..<count), rounds: 400, seed: seed))
        }
        let few = try intervals(100, seed: 1)
        #expect(try few == intervals(100, seed: 1))
        #expect(try few != intervals(100, seed: 2))
        let many = try intervals(2500, seed: 1)
        for (index, metric) in try #require(RetrievalMetrics(ranking(100))).named.enumerated() {
            let (low, high) = (few.low.named[index].value, few.high.named[index].value)
            #expect(low <= metric.value && metric.value <= high, "\(metric.name)")
            #expect(many.high.named[index].value - many.low.named[index].value <= high - low, "\(metric.name)")
        }
        // Of 100 independent queries with share p, the interval of p is about ±1.96·sqrt(p(1 - p)/100).
        let share = try #require(RetrievalMetrics(ranking(100))).recallAt5 / 100
        let half = 196 * (share * (1 - share) / 100).squareRoot()
        #expect(abs((few.high.recallAt5 - few.low.recallAt5) / 2 - half) < 0.25 * half)
    }

    @Test("draw whole videos: sentences that always agree tell no more than one")
    func clusters() throws {
        let once = Ranking(.plain, ranks: (0..<60).map { [$0 % 3] })
        let often = Ranking(.plain, ranks: (0..<600).map { [($0 / 10) % 3] })
        let a = try #require(Bootstrap.intervals(once, cluster: Array(0..<60)))
        let b = try #require(Bootstrap.intervals(often, cluster: (0..<600).map { $0 / 10 }))
        #expect(a == b)
    }

    @Test("per query are written as comma-separated values that can be read back")
    func table() {
        let text = RankTable.text([
            .init(direction: "text-to-video", query: "a \"big\" dog, running", video: "v1", ranks: [0, 1]),
            .init(direction: "video-to-text", query: "v2", video: "v2", ranks: []),
        ])
        #expect(
            text == "direction,query,video,rank,ties\n"
                + "text-to-video,\"a \"\"big\"\" dog, running\",v1,1,2\nvideo-to-text,v2,v2,,0\n")
    }
}
