import CommandSupport
import Daemon
import Engine
import Foundation
import Health
import Notify
import Publishing
import Recording

/// Prints the daemon's status for people.
struct StatusPage {
    private let status: DaemonStatus
    private let page = Page(names: 12)

    init(_ status: DaemonStatus) { self.status = status }

    func say() {
        page.say(
            "daemon", "version \(status.version), up \(Self.age(status.uptime)), \(Int(status.rssMB)) MB of memory")
        page.say("model", "\(status.model), head \(status.head), windows of \(status.frames) frames")
        page.say("queries", queries)
        page.say(
            "windows",
            "\(number(status.scored)) scored, \(number(status.rescored)) of them again in float32; "
                + "\(number(status.undecided)) in doubt without time for that")
        page.say(
            "frames",
            "\(number(status.encoded)) embedded, \(number(status.gated)) unchanged, \(number(status.blind)) blind, "
                + "\(number(status.waiting)) waiting")
        page.say("events", "\(number(status.events)) started; the newest message is \(status.seq)")
        if let storm = status.storm { page.say("STORM", of(storm)) }
        page.say("journal", journal)
        page.say("history", history)
        if let clips = status.clips { page.say("clips", self.clips(clips)) }
        if !status.notifiers.isEmpty { page.say("notifiers", notifiers) }
        if status.failedBatches > 0 {
            page.say("FAILED", "\(number(status.failedBatches)) batches could not be scored; the log says why")
        }
        let playing = status.streams.count { $0.state == "playing" }
        page.say("streams", status.streams.isEmpty ? "none" : "\(playing) of \(status.streams.count) playing")
        guard !status.streams.isEmpty else { return }
        Terminal.say("")
        status.streams.table()
    }

    private var queries: String {
        var parts = ["\(number(status.queries)) standing"]
        let learnt = status.thresholds
        if learnt.learning > 0 { parts.append("\(number(learnt.learning)) thresholds still learning") }
        if learnt.pinned > 0 { parts.append("\(number(learnt.pinned)) learnt") }
        if learnt.drifted > 0 { parts.append("\(number(learnt.drifted)) that no longer fit (query recalibrate)") }
        if let progress = status.importing { parts.append("importing \(progress.done) of \(progress.total)") }
        return parts.joined(separator: ", ")
    }

    private var history: String {
        guard let history = status.history else { return "none is kept" }
        var parts = [
            "\(number(Int(history.recorded))) frames and clips recorded, \(number(history.bytes / 1_000_000)) MB"
        ]
        if history.dropped + history.lost > 0 { parts.append("\(number(Int(history.dropped + history.lost))) lost") }
        if let problem = history.problem { parts.append("RECORDS NOTHING: \(problem)") }
        return parts.joined(separator: "; ")
    }

    private func clips(_ clips: ClipStatus) -> String {
        var parts = ["\(number(clips.clips)) kept, \(number(clips.bytes / 1_000_000)) MB"]
        let writing = clips.writing.values.reduce(0, +)
        if writing > 0 { parts.append("\(number(writing)) being written") }
        let without = clips.refused + clips.empty + clips.failed
        if without > 0 { parts.append("\(number(without)) events without one") }
        if let problem = clips.problem { parts.append("WRITES NONE: \(problem)") }
        return parts.joined(separator: "; ")
    }

    private var notifiers: String {
        let bad = status.notifiers.filter { [.failing, .gone, .dead].contains($0.state) }
        let parts = bad.map { "\($0.name) is \($0.state.rawValue)\($0.problem.map { ": \($0)" } ?? "")" }
        let delivered = status.notifiers.reduce(0) { $0 + $1.delivered }
        return (["\(status.notifiers.count), \(number(delivered)) delivered"] + parts).joined(separator: "; ")
    }

    private func of(_ storm: StormStatus) -> String {
        let most = storm.most.map { "\($0.query) (\(number($0.messages)))" }.joined(separator: ", ")
        return "\(number(storm.queries)) queries give more events than are told at once; the most messages: \(most); "
            + "\(number(status.waitingMessages)) wait, "
            + "\(number(status.coalescedUpdates)) updates became one with a newer one"
    }

    private var journal: String {
        let journal = status.journal
        var parts = [
            status.journaled
                ? "stores every message"
                : journal.journaled ? "none: messages are kept in memory alone" : "STORES NOTHING"
        ]
        if journal.backlog > 0 { parts.append("\(number(journal.backlog)) messages wait to be stored") }
        if journal.lost > 0 { parts.append("\(number(journal.lost)) never will be") }
        if let problem = journal.problem { parts.append(problem) }
        if let damage = journal.damage { parts.append("the file was damaged: \(damage)") }
        return parts.joined(separator: "; ")
    }

    private func number(_ count: Int) -> String {
        count.formatted(.number.grouping(.automatic).locale(.init(identifier: "en")))
    }

    /// Formats a duration, given in seconds, such as "3 d 4 h", "4 h 12 min" or "12 s".
    private static func age(_ seconds: Double) -> String {
        let (minutes, days) = (Int(seconds) / 60, Int(seconds) / 86_400)
        if days > 0 { return "\(days) d \(minutes / 60 % 24) h" }
        if minutes >= 60 { return "\(minutes / 60) h \(minutes % 60) min" }
        return minutes > 0 ? "\(minutes) min \(Int(seconds) % 60) s" : "\(Int(seconds)) s"
    }
}
