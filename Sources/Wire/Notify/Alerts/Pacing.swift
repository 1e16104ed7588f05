package import Journal
import Matching

/// Decides which alerts are sent at once, and which are kept for a summary; pure, the caller passes the time.
///
/// While a summary is kept, all later alerts are added to it, so that the order is preserved.
package struct Pacing: Sendable {
    package enum Step: Sendable, Equatable {
        case send
        /// The alert was added to the summary.
        case kept
        /// The summary is due, and must be sent before the alert.
        case summaryFirst
    }

    private let limit: AlertLimit?
    private let quiet: ActiveHours?
    private let catchUp: Double
    /// The start of the limit's current period, in seconds since 1970, and the messages sent in it.
    package private(set) var window: (start: Double, sent: Int)
    package private(set) var kept: AlertSummary?

    package init(_ settings: NotifierSettings, window: (start: Double, sent: Int) = (0, 0)) {
        limit = settings.limit
        quiet = settings.quiet
        catchUp = settings.catchUp
        self.window = window
    }

    /// `ahead`: messages that are decided on, and not sent yet.
    package mutating func take(_ alert: Alert, now: Double, ahead: Int = 0) -> Step {
        let reason: AlertSummary.Reason? =
            if now - alert.time > catchUp {
                .late
            } else if isQuiet(now) {
                .quiet
            } else if isFull(now, ahead: ahead) {
                .limit
            } else {
                nil
            }
        guard kept != nil else {
            guard let reason else { return .send }
            kept = AlertSummary(alert, reason)
            return .kept
        }
        guard let reason else { return .summaryFirst }
        kept?.add(alert, reason)
        return .kept
    }

    /// Adds messages that the journal no longer has.
    package mutating func take(_ hole: Hole) {
        if kept == nil { kept = AlertSummary(hole) } else { kept?.add(hole) }
    }

    /// Whether there is a summary that may be sent now.
    package func isDue(now: Double) -> Bool { kept != nil && !isQuiet(now) && !isFull(now) }

    /// The time of the next check whether the summary is due; nil without a summary.
    package func nextLook(now: Double) -> Double? {
        guard kept != nil else { return nil }
        if isQuiet(now) { return quiet?.nextChange(after: now) ?? now + 3600 }
        return isFull(now) ? window.start + (limit?.per ?? 0) : now
    }

    /// Records a sent message; `isSummary`: it contained everything that was kept.
    package mutating func sent(isSummary: Bool, now: Double) {
        if isSummary { kept = nil }
        guard let limit else { return }
        if !contains(now, limit) { window = (now, 0) }
        window.sent += 1
    }

    private func isQuiet(_ now: Double) -> Bool { quiet?.isActive(at: now) ?? false }

    private func isFull(_ now: Double, ahead: Int = 0) -> Bool {
        guard let limit else { return false }
        return (contains(now, limit) ? window.sent : 0) + ahead >= limit.alerts
    }

    /// Whether the limit's current period continues; a clock that was set back begins a new one.
    private func contains(_ now: Double, _ limit: AlertLimit) -> Bool {
        now >= window.start && now < window.start + limit.per
    }
}
