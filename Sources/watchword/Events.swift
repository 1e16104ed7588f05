import ArgumentParser
import Foundation
import Messaging
import Watchtower

struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Events of the running daemon: from the journal, as they happen, or both without a gap.")

    @Option(parsing: .unconditional, help: "Begin after this seq (0 is the beginning of the journal).")
    var since: Int64?
    @Flag(help: "Go on with what happens from now on.")
    var follow = false
    @Option(help: "Only events of this query.")
    var query: String?
    @Option(help: "Only events of this stream.")
    var stream: String?
    @Option(help: "The daemon's publishing socket.")
    var publish: String =
        ProcessInfo.processInfo.environment["WATCHWORD_PUBLISH"] ?? Configuration.daemonEndpoint("events")
    @OptionGroup var daemon: DaemonOptions

    @Flag(help: "Print the events that are open now first.")
    var open = false

    func validate() throws {
        if since == nil && !follow && !open { throw ValidationError("give --since SEQ, --open, --follow, or several") }
    }

    func run() async throws {
        try await Exit.guarding {
            let follower = EventFollower(
                publish: publish, control: daemon.control, filter: .init(query: query, stream: stream),
                identity: try daemon.keys.identity())
            // Sockets and a full terminal are waited for on a thread of its own.
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                Thread {
                    continuation.resume(
                        with: Result { try follower.run(since: since, open: open, live: follow) { try show($0) } })
                }.start()
            }
        }
    }

    private func show(_ followed: Followed) throws {
        switch followed {
        case .open(let message), .message(let message):
            if daemon.json { return Terminal.say(json: message.body) }
            Terminal.say(styled: try WireCoding.decode(MatchMessage.self, message.body).line)
        case .lost(let lost):
            let why = lost.reason == "retention" ? "are older than the journal keeps" : "could not be journaled"
            Terminal.complain("messages \(lost.first) to \(lost.last) \(why)")
        case .restarted: Terminal.complain("the daemon has a new journal: numbers begin again at 1")
        case .away(let why): Terminal.complain("\(why) Waiting for it.")
        }
    }
}
