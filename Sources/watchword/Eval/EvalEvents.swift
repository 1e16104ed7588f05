import ArgumentParser
import CLIP
import Evaluation
import Foundation
import Heads
import Ingest
import Matching
import Synchronization

/// `watchword eval events`: whether the events that are found are the true ones.
struct EvalEvents: AsyncParsableCommand {
    enum Rule: String, CaseIterable, ExpressibleByArgument, Codable { case fixed, contrast, budget }

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
    var rule: [Rule] = Rule.allCases
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
            let heads = head.isEmpty ? Self.usable(source, finder) : head
            var report = EventsReport(model: source.identity, results: [])
            for head in heads {
                let scorer = try VideoScorer(source, finder, precision: model.precision, head: head)
                let wanted = Set(truths.flatMap(\.captions) + against)
                var series: [VideoScores] = []
                for truth in truths {
                    Terminal.progress("\(head): \(truth.video.lastPathComponent)")
                    series.append(try await scorer.scores(truth, of: wanted))
                }
                var quiet: [VideoScores] = []
                for truth in others ?? [] { quiet.append(try await scorer.scores(truth, of: wanted)) }
                for rule in rule {
                    Terminal.progress("\(head): \(rule.rawValue)")
                    for (index, video) in series.enumerated() {
                        let rest =
                            others == nil ? series.enumerated().filter { $0.offset != index }.map(\.element) : quiet
                        let counts = try judge(video, rule, scorer, background: rest)
                        report.results.append(
                            .init(
                                video: video.truth.video.lastPathComponent, head: head, rule: rule.rawValue,
                                queries: video.truth.captions.count, counts: counts))
                    }
                }
            }
            Terminal.progress("")
            if json { try Terminal.say(json: report) } else { report.print() }
        }
    }

    private static func usable(_ model: ModelDirectory, _ finder: HeadFinder) -> [String] {
        var usable: [String] = []
        for name in finder.names {
            let head = try? Heads.Head(
                finder.load(name), width: model.architecture.embedding, maxFrames: model.defaults.frames,
                weights: model.headTensors(name), config: model.defaults.configuration(ofHead: name))
            if head != nil { usable.append(name) }
        }
        return usable
    }

    /// Finds a video's events by a rule, and counts them.
    private func judge(
        _ video: VideoScores, _ rule: Rule, _ scorer: VideoScorer, background: [VideoScores]
    ) throws -> EventCounts {
        var counts = EventCounts()
        for caption in video.truth.captions {
            guard let scores = video.scores[caption] else { continue }
            var values = scores
            let threshold: Float
            switch rule {
            case .fixed: threshold = try scorer.threshold
            case .contrast:
                let contrasts = against.filter { $0 != caption }.compactMap { video.scores[$0] }
                values = scores.indices.map { window in
                    ThresholdRule.probability(
                        scores[window], against: contrasts.map { $0[window] }, scale: scorer.scale)
                }
                threshold = probability
            case .budget: threshold = learn(caption, background)
            }
            let compared: ThresholdRule =
                rule == .contrast ? .contrast(against: against, probability: probability) : .score(threshold)
            var tracker = EventTracker(EventPolicy(hysteresis: EventPolicy.hysteresis(of: compared, scores: scorer.scores)))
            var found: [EventTruth.Span] = []
            for (value, span) in zip(values, video.spans) {
                for change in tracker.observe(value, threshold: threshold, span: span) where change.phase == .end {
                    found.append(.init(start: change.mediaStart, end: change.mediaEnd))
                }
            }
            if let end = tracker.close() { found.append(.init(start: end.mediaStart, end: end.mediaEnd)) }
            counts += EventCounts(
                found: found, truths: video.truth.spans[caption] ?? [], slack: scorer.windowSeconds)
        }
        return counts
    }

    /// The threshold that the budget learns from windows that do not show what is asked for.
    private func learn(_ caption: String, _ background: [VideoScores]) -> Float {
        var settings = CalibrationSettings()
        settings.warmUp = warmUp
        settings.policy = .manual
        var calibration = Calibration(falseAlertsPerDay: budget, settings: settings)
        var clock = 0.0
        // Few clusters may come of a short background: then it takes twice the warm-up.
        while calibration.threshold == nil, clock < 3 * warmUp {
            let before = clock
            for video in background {
                guard let scores = video.scores[caption] else { continue }
                let start = clock
                for (score, span) in zip(scores, video.spans) where !video.shows(caption, span) {
                    clock = start + span.mediaEnd
                    _ = calibration.observe(score, at: clock)
                }
                clock += 1
            }
            if clock - before < 1 { break }
        }
        return calibration.threshold ?? .infinity
    }
}

/// What `eval events` has found.
struct EventsReport: Codable {
    struct Result: Codable {
        let video: String
        let head: String
        let rule: String
        let queries: Int
        let truths: Int
        let found: Int
        let precision: Double?
        let recall: Double?
        let f1: Double?

        init(video: String, head: String, rule: String, queries: Int, counts: EventCounts) {
            self.video = video
            self.head = head
            self.rule = rule
            self.queries = queries
            truths = counts.truths
            found = counts.found
            precision = counts.precision
            recall = counts.recall
            f1 = counts.f1
        }
    }

    var eval = "events"
    let model: String
    var results: [Result]

    init(model: String, results: [Result]) {
        self.model = model
        self.results = results
    }

    func print() {
        func share(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "-" }
        Terminal.table(
            ["HEAD", "RULE", "VIDEO", "QUERIES", "TRUE", "FOUND", "PRECISION", "RECALL", "F1"],
            results.map {
                [
                    $0.head, $0.rule, $0.video, "\($0.queries)", "\($0.truths)", "\($0.found)", share($0.precision),
                    share($0.recall), share($0.f1),
                ]
            })
    }
}
