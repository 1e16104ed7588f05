package import Journal
import Matching

/// Decides which alerts are sent at once and which are kept for a summary; pure, the time is given.
///
/// What is kept is one run of alerts: while there is something kept, everything after it is kept as well, so that the
/// order holds.
package struct Pacing: Sendable {
    package enum Step: Sendable, Equatable {
        case send
        /// It is in the summary now.
        case kept
        /// The summary is due, and comes before it.
        case summaryFirst
    }

    private let limit: AlertLimit?
    private let quiet: ActiveHours?
    private let catchUp: Double
    /// Start of the limit's present time, in seconds since 1970, and messages sent in it.
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

    /// Messages are gone from the journal.
    package mutating func take(_ hole: Hole) {
        if kept == nil { kept = AlertSummary(hole) } else { kept?.add(hole) }
    }

    /// Whether there is a summary, and it may be sent.
    package func isDue(now: Double) -> Bool { kept != nil && !isQuiet(now) && !isFull(now) }

    /// When to look again whether the summary is due; nil if nothing is kept.
    package func nextLook(now: Double) -> Double? {
        guard kept != nil else { return nil }
        if isQuiet(now) { return quiet?.nextChange(after: now) ?? now + 3600 }
        return isFull(now) ? window.start + (limit?.per ?? 0) : now
    }

    /// A message is out; `isSummary`: with it, all that was kept.
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

    /// Whether the limit's present time goes on; a clock that was set back begins another.
    private func contains(_ now: Double, _ limit: AlertLimit) -> Bool {
        now >= window.start && now < window.start + limit.per
    }
}
