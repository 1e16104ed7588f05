import ArgumentParser
import Backtesting
import Benchmarking
import CLIP
import CommandSupport
import Concurrency
import Engine
import Foundation
import Heads
import History
import Matching
import Segments
import SystemSupport
import Tensors

extension Bench {
    /// `watchword bench backtest`: measures how fast a query is tested on a history of recorded embeddings.
    struct Backtest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Seconds to test a query on days of many cameras.",
            discussion: """
                Embeddings are synthetic and as wide as the model's, as those of `bench history`. The threshold is one \
                that the camera nearest to the text reaches about once a day, or it is not likelier than so many \
                contrasts. ALERTS are those of all cameras; ALL is the time of replaying every window, from one \
                camera's hour.
                """)

        @OptionGroup var model: ModelOptions
        @Option(parsing: .unconditional, help: "Cameras.") var cameras = 10
        @Option(parsing: .unconditional, help: "Hours of each.") var hours = 168.0
        @Option(parsing: .unconditional, help: "Sampled frames a second.") var fps = 1.0
        @Option(parsing: .unconditional, help: "Frames in a window.") var frames = 12
        @Option(parsing: .upToNextOption, help: "Contrasts of a query.") var contrasts = [0, 3]
        @Option(parsing: .unconditional, help: "Rounds.") var rounds = 5
        @Option(parsing: .unconditional, help: "Threads; the daemon has one.") var threads = 1
        @Option(parsing: .unconditional, help: "Seed of the embeddings.") var seed: UInt64 = 7
        @Option(help: "Where the history is written; kept if it is named, and used again if it is there.")
        var directory: String?
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard 1...10_000 ~= cameras, hours > 0, hours <= 24 * 366, fps > 0, fps <= 100,
                1...SegmentHeader.longestWindow ~= frames, 1...1000 ~= rounds, 1...64 ~= threads,
                contrasts.allSatisfy({ 0...ThresholdRule.mostContrasts ~= $0 })
            else { throw ValidationError("sizes must be positive, and no day, window or rule too large") }
        }

        func run() async throws {
            try await Exit.guarding {
                let report = try await offPoolThrowing { try measure() }
                if json { return try Terminal.say(json: report) }
                Terminal.table(
                    ["CONTRASTS", "P50 S", "MOST S", "ALL S", "WINDOWS", "ALERTS", "UNDECIDED"],
                    report.results.map(\.cells))
                Terminal.say(
                    "\(cameras) cameras, \(hours) h of each at \(fps) fps, width \(report.width), \(threads) threads, "
                        + "\(rounds) rounds")
            }
        }

        private func measure() throws -> Report {
            let model = try model.directory()
            let path = directory ?? FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID())").path
            defer { if directory == nil { try? FileManager.default.removeItem(atPath: path) } }
            let width = model.architecture.embedding
            let synthetic = SyntheticHistory(
                path: path, cameras: cameras, count: Int(hours * 3600 * fps), fps: fps, gated: 0, width: width,
                frames: frames, seed: seed)
            _ = try synthetic.write(exporting: nil)
            let trial = BacktestTrial(bench: self, model: model, folder: HistoryFolder(path), now: synthetic.end)
            return Report(width: width, results: try contrasts.map { try trial.measure($0) })
        }
    }
}

extension Bench.Backtest {
    struct Result: Encodable {
        let contrasts: Int
        let p50_s: Double
        let most_s: Double
        /// The time to score all windows one by one, in seconds, extrapolated from an hour of one camera.
        let replay_s: Double
        let windows: Int
        let alerts: Int
        let undecided: Int

        fileprivate var cells: [String] {
            [
                "\(contrasts)", String(format: "%.2f", p50_s), String(format: "%.2f", most_s),
                String(format: "%.0f", replay_s), "\(windows)", "\(alerts)", "\(undecided)",
            ]
        }
    }

    fileprivate struct Report: Encodable {
        var bench = "backtest"
        let width: Int
        let results: [Result]
    }
}

/// Measures the time of testing queries on a synthetic history.
private struct BacktestTrial {
    let bench: Bench.Backtest
    let model: ModelDirectory
    let folder: HistoryFolder
    let now: Double
    private let finder = HeadFinder.standard()

    init(bench: Bench.Backtest, model: ModelDirectory, folder: HistoryFolder, now: Double) {
        (self.bench, self.model, self.folder, self.now) = (bench, model, folder, now)
    }

    func measure(_ contrasts: Int) throws -> Bench.Backtest.Result {
        // The first run finds the threshold, and fills the page cache.
        let first = try run(query(contrasts, rule(contrasts, 0.999)))
        let threshold = first.streams.compactMap { $0.proposed?.threshold }.max() ?? 0.999
        let query = try query(contrasts, rule(contrasts, Float(threshold)))
        var (times, result) = ([Double](), first)
        for round in 1...bench.rounds {
            Terminal.progress("\(contrasts) contrasts, round \(round) of \(bench.rounds)")
            times.append(try seconds { result = try run(query) })
        }
        Terminal.progress("")
        let windows = result.streams.reduce(0) { $0 + $1.windows }
        return Bench.Backtest.Result(
            contrasts: contrasts, p50_s: times.median, most_s: times.max() ?? .nan,
            replay_s: try replaySeconds(query) * Double(windows), windows: windows,
            alerts: result.streams.reduce(0) { $0 + $1.count }, undecided: result.undecided)
    }

    private func rule(_ contrasts: Int, _ threshold: Float) -> ThresholdRule {
        contrasts == 0
            ? .score(threshold)
            : .contrast(against: (0..<contrasts).map { "contrast \($0)" }, probability: min(0.999, threshold))
    }

    private func query(_ contrasts: Int, _ rule: ThresholdRule) throws -> EmbeddedQuery {
        var texts: [[Float]] = []
        for place in 0...contrasts {
            var numbers = SeededNumbers(seed: bench.seed &+ UInt64(1_000_000 + place))
            let own = Products.unit(numbers.numbers(model.architecture.embedding, deviation: 1))
            // Contrasting texts are similar to the query, so that the likeliest one changes from window to window.
            texts.append(texts.first.map { Products.unit(zip($0, own).map { $0 + 0.3 * $1 }) } ?? own)
        }
        let query = try StandingQuery(id: "q", text: "a text", head: "mean", frames: bench.frames, rule: rule)
        return EmbeddedQuery(query, QueryEmbedding(query: texts[0], contrasts: Array(texts.dropFirst())))
    }

    private func run(_ query: EmbeddedQuery) throws -> BacktestResult {
        var backtest = Backtesting.Backtest([query], model: model, finder: finder, identity: SyntheticHistory.model)
        backtest.threads = bench.threads
        return try backtest.run(folder, now: now)
    }

    /// Returns the time to score one window without shortcuts, in seconds.
    private func replaySeconds(_ query: EmbeddedQuery) throws -> Double {
        let count = 3600
        var walk = SyntheticHistory.Walk(seed: bench.seed, width: model.architecture.embedding)
        let frames = (0..<count).map { place in
            RecordedFrame(
                lane: "camera-0", embedding: walk.next(0), mediaTime: Double(place), wallClock: Double(place),
                isDiscontinuity: place == 0, isRepeat: false)
        }
        let replay = try Replay([query], lane: "camera-0", model: model, finder: finder, start: 0)
        return try seconds { _ = try replay.take(frames) } / Double(count)
    }

    private func seconds(_ work: () throws -> Void) rethrows -> Double {
        let began = ContinuousClock.now
        try work()
        return (.now - began) / .seconds(1)
    }
}
