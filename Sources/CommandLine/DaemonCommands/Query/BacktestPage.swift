import Backtesting
import CommandSupport
import Foundation
import Printing

/// Prints the result of a backtest, which tells what events a query would have had over the daemon's history.
///
/// For each stream it shows the number of alerts in each half hour, a histogram of the scores, and the newest alerts.
enum BacktestPage {
    /// The number of characters in a day's line, one for each half hour.
    private static let parts = 48
    /// The greatest number of alerts listed for a stream; these are the newest ones.
    private static let mostListed = 20

    static func say(_ result: BacktestResult) {
        for problem in result.skipped { Terminal.complain("left out: \(problem)") }
        if result.isCancelled { Terminal.complain("it took too long, and was given up: give a shorter span") }
        if result.streams.isEmpty {
            return Terminal.say("there is no history of a stream that it selects, from \(time(result.from)) on")
        }
        for stream in result.streams { say(stream, result) }
        if result.undecided > 0 {
            Terminal.say(
                "\(result.undecided) windows lie so near the threshold that the history cannot tell how they were "
                    + "decided"
            )
        }
    }

    private static func say(_ stream: BacktestResult.Stream, _ result: BacktestResult) {
        let recorded = Duration.seconds(stream.covered).formatted(
            .units(allowed: [.days, .hours, .minutes, .seconds], width: .abbreviated, maximumUnitCount: 2))
        // A daily rate computed from less than an hour would mislead.
        let rate = stream.covered >= 3600 ? ", \(short(stream.perDay)) a day" : ""
        let found = Styled("\(stream.count) alert\(stream.count == 1 ? "" : "s") in \(recorded)\(rate)")
        Terminal.say(styled: "\(Terminal.coloured(stream.stream, 1)): \(found)")
        for line in strip(stream) { Terminal.say("  \(line)") }
        for line in histogram(stream) { Terminal.say("  \(line)") }
        if let proposed = stream.proposed, stream.covered >= 3600 {
            Terminal.say("  \(short(proposed.alertsPerDay)) a day: threshold \(number(proposed.threshold))")
        }
        let alerts = stream.alerts.suffix(mostListed)
        if !alerts.isEmpty {
            Terminal.table(
                ["  START", "END", "PEAK", "SCORE"],
                alerts.map { ["  \(time($0.start))", time($0.end), time($0.peak), number($0.score)] })
        }
        if stream.count > alerts.count { Terminal.say("  and \(stream.count - alerts.count) before these") }
    }

    /// Returns one line for each day (UTC), with a character for each half hour.
    ///
    /// A digit is the number of alerts ("+" for 10 or more), a dot means none, and a space means that the stream was
    /// not recorded.
    private static func strip(_ stream: BacktestResult.Stream) -> [String] {
        guard let range = range(stream) else { return [] }
        let part = 86_400.0 / Double(parts)
        let (first, last) = (Int(range.lowerBound / part), Int(range.upperBound / part))
        var counts = [Int](repeating: 0, count: last - first + 1)
        var isWatched = [Bool](repeating: true, count: counts.count)
        for gap in stream.gaps {
            // Only half hours that lie completely within the gap count as not watched.
            let from = Int((gap.from.timeIntervalSince1970 / part).rounded(.up))
            let to = Int(gap.to.timeIntervalSince1970 / part)
            for place in max(from, first)..<max(max(from, first), min(to, last + 1)) {
                isWatched[place - first] = false
            }
        }
        for alert in stream.alerts {
            let place = Int(alert.start.timeIntervalSince1970 / part) - first
            if counts.indices.contains(place) { counts[place] += 1 }
        }
        return (first / parts...last / parts).map { day in
            let line = (day * parts..<(day + 1) * parts).map { place -> String in
                guard place >= first, place <= last, isWatched[place - first] else { return " " }
                let count = counts[place - first]
                return count == 0 ? "·" : count < 10 ? "\(count)" : "+"
            }
            let date = Date(timeIntervalSince1970: Double(day) * 86_400)
            return "\(date.formatted(.iso8601.year().month().day())) |\(line.joined())|"
        }
    }

    /// The times of the first and the last watched moment, in seconds since 1970; nil if nothing was watched.
    private static func range(_ stream: BacktestResult.Stream) -> ClosedRange<Double>? {
        guard let first = stream.first, let last = stream.last else { return nil }
        return first.timeIntervalSince1970...max(first.timeIntervalSince1970, last.timeIntervalSince1970)
    }

    /// Returns the lines of a histogram of the scores on a logarithmic scale, with the threshold below it.
    private static func histogram(_ stream: BacktestResult.Stream) -> [String] {
        guard let spread = stream.histogram, let most = spread.counts.max(), most > 0 else { return [] }
        let blocks = Array("▁▂▃▄▅▆▇█")
        let bars = spread.counts.map { count -> String in
            guard count > 0 else { return " " }
            let share = log(Double(count) + 1) / log(Double(most) + 1)
            return String(blocks[min(blocks.count - 1, Int(share * Double(blocks.count)))])
        }
        let (low, high) = (number(spread.low), number(spread.high))
        let left = max(10, low.count)
        func padded(_ text: String) -> String { String(repeating: " ", count: left - text.count) + text }
        var lines = ["\(padded(low)) |\(bars.joined())| \(high)"]
        if let threshold = stream.threshold {
            let width = max(spread.high - spread.low, 1e-9)
            let place = Int((threshold - spread.low) / width * Double(spread.counts.count))
            let clamped = min(max(place, 0), spread.counts.count - 1)
            let side = place < 0 ? "<" : place >= spread.counts.count ? ">" : "^"
            lines.append(
                padded("") + "  " + String(repeating: " ", count: clamped) + "\(side) threshold \(number(threshold))")
        }
        return lines
    }

    private static func time(_ date: Date) -> String { date.formatted(.iso8601) }
    private static func number(_ value: Double) -> String { String(format: "%.3f", value) }
    private static func short(_ value: Double) -> String {
        value >= 10 || value == value.rounded() ? String(format: "%.0f", value) : String(format: "%.2g", value)
    }
}
