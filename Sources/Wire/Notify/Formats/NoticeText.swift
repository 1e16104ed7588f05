import Foundation
import Printing
import WireFormat

/// Words a notice for services that show text to people.
struct NoticeText {
    let title: String
    let rest: String

    var whole: String { "\(title)\n\(rest)" }
}

extension Notice {
    func text(_ context: NoticeContext) -> NoticeText {
        switch self {
        case .alert(let alert), .ended(let alert): Self.text(alert, context.now)
        case .summary(let summary): Self.text(summary)
        case .off(let key):
            NoticeText(title: "\(key.stream): \(key.query)", rest: "it has ended, and when is not known any more")
        case .test:
            NoticeText(
                title: "Watchword: a test", rest: "The notifier \"\(context.notifier)\" reaches this receiver.")
        }
    }

    private static func text(_ alert: Alert, _ now: Double) -> NoticeText {
        let message = alert.message
        let title = "\(message.stream): \(Self.shown(message.query.text))"
        var parts: [String] = []
        switch message.phase {
        case "end":
            parts.append("ended after \(age(message.end.timeIntervalSince(message.start)))")
            parts.append("peak \(number(message.peak.score))")
        default: parts.append("score \(number(message.score)), threshold \(number(message.threshold))")
        }
        parts.append(time(alert.time))
        if now - alert.time >= 120 { parts.append("\(age(now - alert.time)) ago") }
        return NoticeText(title: title, rest: parts.joined(separator: "; "))
    }

    private static func text(_ summary: AlertSummary) -> NoticeText {
        var lines: [String] = []
        if let times = summary.times { lines.append("from \(time(times.lowerBound)) to \(time(times.upperBound))") }
        lines += summary.groups.map { "\($0.count) × \($0.stream): \(shown($0.text))" }
        if summary.others > 0 { lines.append("\(summary.others) of other queries and streams") }
        let gone = "\(summary.lost) messages were gone from the journal before they could be sent"
        guard summary.alerts > 0 else { return NoticeText(title: "Watchword: messages are lost", rest: gone) }
        if summary.lost > 0 { lines.append(gone) }
        let reasons = AlertSummary.Reason.allCases.filter(summary.reasons.contains).map { reason in
            switch reason {
            case .limit: "more than at_most allows"
            case .quiet: "quiet hours"
            case .late: "older than catch_up"
            case .lost: "lost"
            }
        }
        let alerts = summary.alerts == 1 ? "1 alert" : "\(summary.alerts) alerts"
        return NoticeText(
            title: "\(alerts), not sent one by one (\(reasons.joined(separator: ", ")))",
            rest: lines.joined(separator: "\n"))
    }

    private static func shown(_ text: String) -> String { ControlCharacters.escaped(text.excerpt(200)) }
    private static func number(_ value: Double) -> String { String(format: "%.3f", value) }

    private static func time(_ seconds: Double) -> String {
        let text = Moment(secondsSince1970: seconds.rounded()).description
        return text.replacing("T", with: " ").replacing("Z", with: " UTC")
    }

    private static func age(_ seconds: Double) -> String {
        let seconds = Int(min(max(0, seconds), 1e9))
        if seconds >= 2 * 86_400 { return "\(seconds / 86_400) days" }
        if seconds >= 2 * 3600 { return "\(seconds / 3600) h" }
        return seconds >= 120 ? "\(seconds / 60) min" : "\(seconds) s"
    }
}
