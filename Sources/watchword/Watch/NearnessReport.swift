import CommandSupport
import Engine
import Foundation
import Matching

/// Prints, at the end of `watch`, how close the scores of queries without any event came to their thresholds.
struct NearnessReport {
    /// The greatest number of queries that are listed; further ones are only counted.
    static let maxListed = 20

    private let eventless: [(query: StandingQuery, nearest: NearestMoment?)]
    private let queries: Int

    init(_ summary: WatchSession.Summary, queries: Int) {
        eventless = summary.eventless
        self.queries = queries
    }

    /// Prints the table on standard output; nothing if every query had an event.
    func say() {
        guard !eventless.isEmpty else { return }
        Terminal.say(heading + ". How near they came:")
        Terminal.table(
            ["QUERY", "BEST", "THRESHOLD", "AT", "WHY NOT"],
            eventless.prefix(Self.maxListed).map { entry in
                let nearest = entry.nearest
                return [
                    name(entry.query), nearest.map { number($0.value) } ?? "-", threshold(entry.query, nearest),
                    nearest.map(moment) ?? "-", why(nearest),
                ]
            })
        if let rest { Terminal.say(rest) }
    }

    /// Prints, on standard error, the queries without an event and how close they came; used with `--json`.
    func complain() {
        for (query, nearest) in eventless.prefix(Self.maxListed) {
            let best = nearest.map { "best \(number($0.value)) at \(moment($0)), threshold \(threshold(query, $0))" }
            Terminal.complain(
                "no event of \"\(name(query))\": " + [best, why(nearest)].compactMap(\.self).joined(separator: ", "))
        }
        if let rest { Terminal.complain(rest) }
    }

    private var heading: String {
        eventless.count == queries
            ? "No event of \(queries == 1 ? "the query" : "any of \(queries) queries")"
            : "No event of \(eventless.count) of \(queries) queries"
    }

    private var rest: String? {
        eventless.count > Self.maxListed ? "\(eventless.count - Self.maxListed) more queries had no event." : nil
    }

    private func name(_ query: StandingQuery) -> String { query.text.isEmpty ? query.id : query.text }
    private func number(_ value: Float) -> String { String(format: "%.3f", value) }
    private func moment(_ nearest: NearestMoment) -> String {
        String(format: "%.2f–%.2f s", nearest.mediaStart, nearest.mediaEnd)
    }

    private func threshold(_ query: StandingQuery, _ nearest: NearestMoment?) -> String {
        guard let threshold = nearest?.threshold ?? query.rule.fixedThreshold else { return "not learnt yet" }
        // `--scores` adds queries without a threshold.
        return threshold >= Watch.noThreshold ? "none" : number(threshold)
    }

    private func why(_ nearest: NearestMoment?) -> String {
        guard let nearest else { return "no full window was scored" }
        guard let threshold = nearest.threshold else { return "its threshold is still being learnt" }
        guard nearest.isReached else {
            return threshold >= Watch.noThreshold
                ? "it has no threshold" : "\(number(threshold - nearest.value)) too low"
        }
        switch nearest.hold {
        case .confirming(let matched, let needed): return "\(matched) of \(needed) windows that must match did"
        case .tooShort(let lasted, let needed):
            return String(format: "it lasted %.1f of %.1f s (--minimum-duration)", lasted, needed)
        case .coolingDown: return "its cooldown"
        case .belowThreshold, nil: return "its event ended at once"
        }
    }
}
