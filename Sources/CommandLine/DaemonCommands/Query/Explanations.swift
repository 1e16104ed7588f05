import CommandSupport
import Engine
import Foundation
import Printing
import WireFormat

/// Prints why a query has an event on each stream, or why not.
enum Explanations {
    /// Prints the daemon's answer: as JSON with `--json`, else a block of text for each stream.
    static func say(_ result: JSONValue, _ daemon: DaemonOptions) throws {
        if daemon.json { return try Terminal.say(json: result) }
        let explanations = try result.decoded(as: [Explanation].self)
        if explanations.isEmpty { Terminal.say("it selects no stream that there is") }
        for explanation in explanations { say(explanation) }
    }

    private static func say(_ explanation: Explanation) {
        let (verdict, colour) = verdict(explanation)
        if DisplayWidth.of(explanation.stream) + DisplayWidth.of(verdict) + 2 <= Terminal.columns {
            let shown = Styled(verdict, colour: Terminal.hasColour ? colour : nil)
            Terminal.say(styled: "\(Terminal.coloured(explanation.stream, 1)): \(shown)")
        } else {
            Terminal.say(styled: "\(Terminal.coloured(explanation.stream, 1)):")
            Page(indent: 1, names: 1).say("", verdict)
        }
        let page = Page(indent: 2, names: 12)
        func row(_ name: String, _ text: String) { page.say(name, text) }
        row("rule", rule(explanation))
        if let score = explanation.score { row("score", "\(short(score)) (\(explanation.head))") }
        if let probability = explanation.probability { row("probability", short(probability)) }
        if let value = explanation.compared, let threshold = explanation.threshold {
            row("margin", String(format: "%+.3f", value - threshold))
        }
        if let background = explanation.overBackground { row("background", words(background)) }
        if let media = explanation.media { row("window", String(format: "%.2f–%.2f s", media.start, media.end)) }
        if let rank = explanation.rank, let windows = explanation.windows {
            row("rank", "\(rank) of the last hour's \(windows) windows")
        }
        for contrast in explanation.contrasts {
            row("against", "\"\(contrast.text)\": score \(short(contrast.score)), p \(short(contrast.probability))")
        }
        if !explanation.frames.isEmpty {
            let frames = explanation.frames.map { "\(String(format: "%.2f s", $0.at)) (\(short($0.score)))" }
            row("best frames", frames.joined(separator: ", "))
        }
    }

    /// Returns whether there is an event, or why not, in a few words; green if an event is open, else uncoloured.
    private static func verdict(_ explanation: Explanation) -> (text: String, colour: Int?) {
        if explanation.open { return ("an event is open", 32) }
        if let hold = explanation.heldBack { return ("no event: \(hold.message)", nil) }
        return ("this window matches", nil)
    }

    private static func rule(_ explanation: Explanation) -> String {
        let threshold = explanation.threshold.map(short) ?? "not known yet"
        return switch explanation.rule {
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
