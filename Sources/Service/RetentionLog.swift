import Foundation
package import Journal
package import Logging

/// Logs which old messages were deleted, and why fewer were deleted than configured; each is logged once.
package struct RetentionLog {
    private var pending = Retired()
    private var saidJump = false
    private var saidHeldBack = false

    package init() {}

    package mutating func say(_ retired: Retired, _ logger: Logger) {
        pending.add(retired)
        if !retired.isMore, let numbers = pending.numbers {
            logger.notice(
                "old messages were removed",
                metadata: [
                    "count": "\(pending.count)", "first": "\(numbers.lowerBound)", "last": "\(numbers.upperBound)",
                    "from": "\(Self.text(pending.stored?.lowerBound))",
                    "to": "\(Self.text(pending.stored?.upperBound))",
                    "snapshots": "\(pending.snapshots)",
                ])
            pending = Retired()
        }
        if let now = retired.disbelieved, !saidJump {
            logger.warning(
                "the clock has jumped; until it has gone on from there for a day, nothing more is removed by age",
                metadata: ["clock": "\(Self.text(now))"])
        }
        saidJump = retired.disbelieved != nil
        if retired.isHeldBack, !saidHeldBack {
            logger.warning("more messages are too old than are removed in an hour; the others go later")
        }
        saidHeldBack = retired.isHeldBack
    }

    private static func text(_ date: Date?) -> String { date.map { $0.formatted(.iso8601) } ?? "unknown" }
}
