import ArgumentParser
import CLIP
import Evaluation
import Foundation
import Heads
import WatchwordConfiguration

/// `watchword eval`: retrieval, unless it is told to look at events.
struct Eval: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure a model: retrieval of clips, or events in videos.",
        subcommands: [EvalRetrieval.self, EvalEvents.self], defaultSubcommand: EvalRetrieval.self)
}

struct EvalRetrieval: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retrieval", abstract: "Measure retrieval: which video a text finds, and which text a video.",
        discussion: """
            R@k is the share of queries whose right answer is among the first k, in percent; MdR and MnR are the median and \
            the mean rank. Intervals are of 95 %, by bootstrap over videos. Videos that are missing or cannot be decoded \
            are listed and left out.
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var data: DataOptions
    @Option(name: .long, parsing: .upToNextOption, help: "The temporal heads; by default the model's own.")
    var head: [String] = []
    @Option(help: "Write every query's rank to this file, as comma-separated values.")
    var ranks: String?
    @Option(parsing: .unconditional, help: "Rounds of the bootstrap; 0 makes no intervals.")
    var bootstrap = 1000
    @Option(parsing: .unconditional, help: "What determines the bootstrap.")
    var seed: UInt64 = 42
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if !(0...1_000_000).contains(bootstrap) { throw ValidationError("--bootstrap must be 0 to 1000000") }
        if ranks != nil, head.count > 1 { throw ValidationError("--ranks is for one --head") }
    }

    func run() async throws {
        try await Exit.guarding {
            let wanted = try data.read()
            let directory = try model.directory()
            let finder = HeadFinder.standard()
            let heads = head.isEmpty ? [Defaults(model: directory, finder: finder).head] : head
            for name in heads { _ = try finder.load(name) }
            let embedder = try ClipEmbedder(model: directory, precision: model.precision)
            let embedding = try ClipEmbedding(data, embedder)
            let (set, clips) = try await embedding.embed(wanted) { done, all in
                Terminal.progress("\(done) of \(all) clips")
            }
            Terminal.progress("")
            set.tellMissing()
            guard !set.items.isEmpty else { throw NothingToMeasure(data: data.name) }
            var texts: [Float] = []
            var cut = 0
            for item in set.items {
                let (embedding, truncated) = try await embedder.embed(text: item.caption, limit: data.maxWords)
                texts += embedding
                if truncated { cut += 1 }
            }
            RetrievalSet.tellCut(cut, of: set.items.count)
            var reports: [EvalReport.Head] = []
            for name in heads {
                let scores = try await embedder.scores(
                    head: name, finder: finder, texts: texts, clips: clips, frames: embedding.frames)
                let similarities = Similarities(
                    scores, videos: set.clips.count, videoOfText: set.items.map(\.clip))
                let (toVideo, toText) = Ranking.both(similarities, set.pairing)
                reports.append(
                    EvalReport.Head(
                        head: name, textToVideo: direction(toVideo, set.items.map(\.clip)),
                        videoToText: direction(toText, Array(set.clips.indices))))
                if let ranks { try FileWriter.write(Data(table(set, toVideo, toText).utf8), to: ranks) }
            }
            let report = EvalReport(
                data: data.name, model: directory.identity, pairing: set.pairing, texts: set.items.count,
                videos: set.clips.count, missing: set.missing, cut: cut, results: reports)
            if json { try Terminal.say(json: report) } else { report.print() }
        }
    }

    private func direction(_ ranking: Ranking, _ cluster: [Int]) -> EvalReport.Direction? {
        RetrievalMetrics(ranking).map { metrics in
            let intervals =
                bootstrap == 0
                ? nil : Bootstrap.intervals(ranking, cluster: cluster, rounds: bootstrap, seed: seed)
            return EvalReport.Direction(metrics: metrics, low: intervals?.low, high: intervals?.high)
        }
    }

    private func table(_ set: RetrievalSet, _ toVideo: Ranking, _ toText: Ranking) -> String {
        let texts = zip(set.items, toVideo.ranks).map { item, ranks in
            RankTable.Query(
                direction: "text-to-video", query: item.caption, video: set.clips[item.clip].id, ranks: ranks)
        }
        let videos = zip(set.clips, toText.ranks).map { clip, ranks in
            RankTable.Query(direction: "video-to-text", query: clip.id, video: clip.id, ranks: ranks)
        }
        return RankTable.text(texts + videos)
    }

    struct NothingToMeasure: Error, CustomStringConvertible {
        let data: String
        var description: String { "\(data): there is no video left to measure" }
    }
}

extension RetrievalSet {
    /// Says how many captions were longer than the model reads.
    static func tellCut(_ cut: Int, of all: Int) {
        guard cut > 0 else { return }
        Terminal.complain("\(cut) of \(all) captions are longer than the model reads; their ends are ignored")
    }

    /// Lists and counts what is missing.
    func tellMissing() {
        for item in missing { Terminal.complain("missing: \(item.video): \(item.why)") }
        if !missing.isEmpty { Terminal.complain("\(missing.count) videos are missing; their captions are left out") }
    }
}

/// What `eval` prints.
struct EvalReport: Encodable {
    struct Direction: Encodable {
        let metrics: RetrievalMetrics
        /// Of the interval.
        let low: RetrievalMetrics?
        let high: RetrievalMetrics?
    }
    struct Head: Encodable {
        let head: String
        let textToVideo: Direction?
        let videoToText: Direction?

        enum CodingKeys: String, CodingKey {
            case head
            case textToVideo = "text_to_video"
            case videoToText = "video_to_text"
        }
    }
    let data: String
    let model: String
    let pairing: Pairing
    let texts: Int
    let videos: Int
    let missing: [RetrievalSet.Missing]
    /// Captions of which the model read only the beginning.
    let cut: Int
    let results: [Head]

    func print() {
        var rows: [[String]] = []
        for result in results {
            for (name, direction) in [("text to video", result.textToVideo), ("video to text", result.videoToText)] {
                guard let direction else { continue }
                let cells = direction.metrics.named.indices.map { index -> String in
                    let value = String(format: "%.1f", direction.metrics.named[index].value)
                    guard let low = direction.low, let high = direction.high else { return value }
                    return String(
                        format: "\(value) [%.1f, %.1f]", low.named[index].value, high.named[index].value)
                }
                rows.append([result.head, name] + cells)
            }
        }
        Terminal.table(["HEAD", "DIRECTION", "R@1", "R@5", "R@10", "MdR", "MnR"], rows)
        Terminal.say("\(data): \(texts) texts, \(videos) videos, \(missing.count) missing, \(pairing.rawValue)")
    }
}
