import ArgumentParser
import Engine
import Foundation
import Printing
import WatchwordConfiguration
import WireFormat

extension Query {
    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say why a query has an event now, or why not, on each stream it selects.")
        @Argument(help: "Its id.") var id: String
        @Option(help: "Only this stream, or stream/region, whether the query selects it or not.") var stream: String?
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                var arguments = ["id": JSONValue.string(id)]
                arguments["stream"] = stream.map { .string($0) }
                try Explanations.say(daemon.ask("query.explain", .object(arguments)), daemon)
            }
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Score a query on each stream's newest window, without making it a standing query.")
        @Argument(help: "The event, described in words; may be left out if there are pictures.") var words: String?
        @Option(
            name: .long, parsing: .unconditional,
            help: "The same, for a text that begins with a hyphen.") var text: String?
        @OptionGroup(title: "What is matched") var query: QueryOptions
        @OptionGroup var daemon: DaemonOptions

        func validate() throws { try Query.refuseBoth(words, text) }

        func run() async throws {
            try await Exit.guarding {
                var keys = try query.given()
                keys["text"] = (words ?? text).map { .string($0) }
                let query = try QueryConfiguration(json: .object(keys))
                try Explanations.say(daemon.ask("query.test", JSONValue(encoding: query), timeout: 120), daemon)
            }
        }
    }
}

/// Answers to "why" and "why not", for people.
private enum Explanations {
    static func say(_ result: JSONValue, _ daemon: DaemonOptions) throws {
        if daemon.json { return try Terminal.say(json: result) }
        let explanations = try result.decoded(as: [Explanation].self)
        if explanations.isEmpty { Terminal.say("it selects no stream that there is") }
        for explanation in explanations { say(explanation) }
    }

    private static func say(_ told: Explanation) {
        let (verdict, colour) = verdict(told)
        if DisplayWidth.of(told.stream) + DisplayWidth.of(verdict) + 2 <= Terminal.columns {
            let shown = Styled(verdict, colour: Terminal.hasColour ? colour : nil)
            Terminal.say(styled: "\(Terminal.coloured(told.stream, 1)): \(shown)")
        } else {
            Terminal.say(styled: "\(Terminal.coloured(told.stream, 1)):")
            Page(indent: 1, names: 1).say("", verdict)
        }
        let page = Page(indent: 2, names: 12)
        func row(_ name: String, _ text: String) { page.say(name, text) }
        row("rule", rule(told))
        if let score = told.score { row("score", "\(short(score)) (\(told.head))") }
        if let probability = told.probability { row("probability", short(probability)) }
        if let value = told.probability ?? told.score, let threshold = told.threshold {
            row("margin", String(format: "%+.3f", value - threshold))
        }
        if let background = told.overBackground { row("background", words(background)) }
        if let media = told.media { row("window", String(format: "%.2f–%.2f s", media.start, media.end)) }
        if let rank = told.rank, let windows = told.windows {
            row("rank", "\(rank) of the last hour's \(windows) windows")
        }
        for contrast in told.contrasts {
            row("against", "\"\(contrast.text)\": score \(short(contrast.score)), p \(short(contrast.probability))")
        }
        if !told.frames.isEmpty {
            let frames = told.frames.map { "\(String(format: "%.2f s", $0.at)) (\(short($0.score)))" }
            row("best frames", frames.joined(separator: ", "))
        }
    }

    /// Whether it matches, and if not, why; and the colour of that.
    private static func verdict(_ told: Explanation) -> (text: String, colour: Int?) {
        if told.open { return ("an event is open", 32) }
        if let hold = told.heldBack { return ("no event: \(hold.message)", nil) }
        return ("this window matches", nil)
    }

    private static func rule(_ told: Explanation) -> String {
        let threshold = told.threshold.map(short) ?? "not known yet"
        return switch told.rule {
        case "against": "as likely as \(threshold) among its contrasts"
        case "false_alerts_per_day": "a threshold learnt for its budget of false alerts: \(threshold)"
        default: "a score of \(threshold)"
        }
    }

    private static func words(_ background: Explanation.Background) -> String {
        if let days = background.returnDays {
            let seldom =
                days >= 1
                ? "\(short(days)) days"
                : days >= 1.0 / 24 ? "\(short(days * 24)) hours" : "\(short(days * 1440)) minutes"
            return "\(background.state), version \(background.version): it alone comes so high every \(seldom)"
        }
        return "\(background.state), \(Int(background.progress * 100)) % of the warm-up"
    }

    private static func short(_ number: Double) -> String { String(format: "%.3f", number) }
}
