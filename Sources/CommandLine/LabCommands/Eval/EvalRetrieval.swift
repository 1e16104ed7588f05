import ArgumentParser
import Benchmarking
import CommandSupport
import Evaluation
import EvaluationRuns
import Foundation
import Heads
import WatchwordConfiguration

/// `watchword eval retrieval`: measures text-to-video and video-to-text retrieval.
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
            let embedding = try data.embedding(ClipEmbedder(model: directory, precision: model.precision))
            let evaluation = RetrievalEvaluation(
                embedding, finder: finder, heads: heads, maxWords: data.maxWords, rounds: bootstrap, seed: seed)
            let result = try await evaluation.run(wanted, name: data.name, Terminal.reporter)
            if let ranks, let queries = result.ranks.first {
                try FileWriter.write(Data(RankTable.text(queries).utf8), to: ranks)
            }
            if json { try Terminal.say(json: result.report) } else { Self.say(result.report) }
        }
    }

    private static func say(_ report: RetrievalReport) {
        var rows: [[String]] = []
        for result in report.results {
            for (name, direction) in [("text to video", result.textToVideo), ("video to text", result.videoToText)] {
                guard let direction else { continue }
                rows.append([result.head, name] + cells(direction))
            }
        }
        Terminal.table(["HEAD", "DIRECTION", "R@1", "R@5", "R@10", "MdR", "MnR"], rows)
        Terminal.say(
            "\(report.data): \(report.texts) texts, \(report.videos) videos, \(report.missing.count) missing, "
                + report.pairing.rawValue)
    }

    /// Returns the metrics as table cells, each with its 95 % interval if there is one.
    private static func cells(_ direction: RetrievalReport.Direction) -> [String] {
        direction.metrics.named.indices.map { index in
            let value = String(format: "%.1f", direction.metrics.named[index].value)
            guard let low = direction.low, let high = direction.high else { return value }
            return String(format: "\(value) [%.1f, %.1f]", low.named[index].value, high.named[index].value)
        }
    }
}
