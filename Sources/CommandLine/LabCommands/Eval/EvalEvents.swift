import ArgumentParser
import CommandSupport
import Evaluation
import EvaluationRuns
import Foundation
import Heads

/// `watchword eval events`: measures precision and recall of detected events.
struct EvalEvents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Measure events: precision and recall on videos whose true events are known.",
        discussion: """
            Every video of DIRECTORY that has a NAME.events.json is watched for all captions in it, by each head and rule: \
            the model's threshold (fixed), the probability against --against (contrast), or the threshold that an alert \
            budget learns from a background (budget), of which the windows count that do not show what is asked for.
            """)

    @Argument(help: "The folder of videos and truths.") var directory: String
    @OptionGroup var model: ModelOptions
    @Option(parsing: .upToNextOption, help: "The temporal heads; by default all that there are for the model.")
    var head: [String] = []
    @Option(parsing: .upToNextOption, help: "The rules: fixed, contrast, budget; by default all.")
    var rule: [EventEvaluation.Rule] = EventEvaluation.Rule.allCases
    @Option(parsing: .upToNextOption, help: "What the contrast is against.")
    var against: [String] = ["an empty scene", "a dark room"]
    @Option(parsing: .unconditional, help: "The probability that a contrast asks for.") var probability: Float = 0.5
    @Option(parsing: .unconditional, help: "False alerts a day that the budget allows.") var budget: Double = 24
    @Option(help: "The background: a folder as DIRECTORY is; by default its other videos, again and again.")
    var background: String?
    @Option(parsing: .unconditional, help: "Seconds of background that the budget learns from.") var warmUp: Double =
        3600
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if !(budget > 0 && budget.isFinite) { throw ValidationError("--budget must be above 0") }
        if !(probability > 0 && probability < 1) { throw ValidationError("--probability must be between 0 and 1") }
        if !(warmUp >= 60 && warmUp <= 1e7) { throw ValidationError("--warm-up must be 60 seconds or more") }
    }

    func run() async throws {
        try await Exit.guarding {
            let truths = try EventTruth.all(in: directory)
            let others = try background.map { try EventTruth.all(in: $0) }
            let source = try model.directory()
            let finder = HeadFinder.standard()
            let evaluation = EventEvaluation(
                rules: rule, against: against, probability: probability, budget: budget, warmUp: warmUp)
            let report = try await evaluation.run(
                truths, background: others, model: source, finder: finder, precision: model.precision,
                heads: head.isEmpty ? EventEvaluation.usableHeads(source, finder) : head, Terminal.reporter)
            if json { try Terminal.say(json: report) } else { Self.say(report) }
        }
    }

    private static func say(_ report: EventsReport) {
        func share(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "-" }
        Terminal.table(
            ["HEAD", "RULE", "VIDEO", "QUERIES", "TRUE", "FOUND", "PRECISION", "RECALL", "F1"],
            report.results.map {
                [
                    $0.head, $0.rule, $0.video, "\($0.queries)", "\($0.truths)", "\($0.found)", share($0.precision),
                    share($0.recall), share($0.f1),
                ]
            })
    }
}

extension EventEvaluation.Rule: ExpressibleByArgument {}
