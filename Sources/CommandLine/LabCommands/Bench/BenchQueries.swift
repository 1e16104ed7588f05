import ArgumentParser
import Benchmarking
import CommandSupport
import Concurrency
import Foundation
import Tensors

extension Bench {
    /// `watchword bench queries`: measures the speed of scoring windows against all standing queries.
    struct Queries: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Milliseconds to find which of many standing queries some windows reach.",
            discussion: """
                Embeddings are random, of length 1; every query's threshold is the same, and a handful of pairs reach it. \
                Numbers of windows are timed in turns, and the median round is shown, with the fastest and the slowest. \
                What is found is compared with float64, pair for pair. SCORED is the share of pairs that the bound of the \
                compressed pass did not exclude. ADD and REMOVE are microseconds a query.
                """)

        @Option(parsing: .upToNextOption, help: "Standing queries.") var queries = [10_000, 100_000, 1_000_000]
        @Option(parsing: .upToNextOption, help: "Windows in a call.") var windows = [1, 64]
        @Option(parsing: .unconditional, help: "Embedding width.") var width = 512
        @Option(parsing: .unconditional, help: "Every query's threshold.") var threshold: Float = 0.22
        @Option(parsing: .unconditional, help: "Threads; all cores, if 0.") var threads = 0
        @Option(parsing: .unconditional, help: "Rounds.") var rounds = 9
        @Option(parsing: .unconditional, help: "Seed of the random embeddings.") var seed: UInt64 = 7
        @Option(help: "How bytes are multiplied: best, none, portable, avx2, vnni, amx.") var scan = ScoreScan.best
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard queries.allSatisfy({ 1...100_000_000 ~= $0 }), windows.allSatisfy({ 1...4096 ~= $0 }),
                1...ScoreIndex.widest ~= width, 0...1024 ~= threads, rounds > 0, !threshold.isNaN
            else { throw ValidationError("sizes must be positive, and no width above \(ScoreIndex.widest)") }
            guard scan.isAvailable else { throw ValidationError("this CPU has no \(scan.rawValue)") }
        }

        func run() async throws {
            try await Exit.guarding {
                let benchmark = QueriesBenchmark(
                    queries: queries, windows: windows, width: width, threshold: threshold, threads: threads,
                    rounds: rounds, seed: seed, scan: scan)
                let report = try await offPoolThrowing { try benchmark.run(Terminal.reporter) }
                if json {
                    try Terminal.say(json: report)
                } else {
                    Terminal.table(
                        [
                            "QUERIES", "WINDOWS", "MS", "FASTEST–SLOWEST", "HITS", "SCORED", "MB", "ADD", "REMOVE",
                            "WRONG",
                        ], report.results.map(Self.cells))
                    Terminal.say("width \(width), \(report.threads) threads, \(rounds) rounds, \(scan.rawValue)")
                }
                guard report.results.allSatisfy({ $0.wrong == 0 }) else {
                    Terminal.complain("what was found is not what float64 finds")
                    throw ExitCode.failure
                }
            }
        }

        private static func cells(_ result: QueriesReport.Result) -> [String] {
            [
                "\(result.queries)", "\(result.windows)", String(format: "%.3f", result.ms),
                String(format: "%.3f–%.3f", result.ms_fastest, result.ms_slowest), "\(result.hits)",
                String(format: "%.5f %%", result.scored_share * 100), String(format: "%.0f", result.rss_mb),
                String(format: "%.2f", result.add_us), String(format: "%.2f", result.remove_us), "\(result.wrong)",
            ]
        }
    }
}

extension ScoreScan: ExpressibleByArgument {}
