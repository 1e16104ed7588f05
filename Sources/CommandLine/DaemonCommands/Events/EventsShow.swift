import ArgumentParser
import CommandSupport
import Concurrency
import Foundation
import Messaging
import WatchwordConfiguration
import WireFormat

extension Events {
    /// `watchword events show`, the default subcommand: prints events of the running daemon.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print events: from the journal, as they happen, or both without a gap.")

        @Option(parsing: .unconditional, help: "Begin after this seq (0 is the beginning of the journal).")
        var since: Int64?
        @Flag(help: "Go on with what happens from now on.")
        var follow = false
        @Option(help: "Only events of this query.")
        var query: String?
        @Option(help: "Only events of this stream.")
        var stream: String?
        @Flag(help: "Events of all nodes of the daemon's fleet; their numbers are the same on every node.")
        var fleet = false
        @Option(help: "The daemon's publishing socket, or with --fleet the one of its fleet's log.")
        var publish: String?
        @OptionGroup var daemon: DaemonOptions

        @Flag(help: "Print the events that are open now first.")
        var open = false

        func validate() throws {
            if since == nil && !follow && !open {
                throw ValidationError("give --since SEQ, --open, --follow, or several")
            }
        }

        func run() async throws {
            try await Exit.guarding {
                let usual = ProcessInfo.processInfo.environment[fleet ? "WATCHWORD_FLEET" : "WATCHWORD_PUBLISH"]
                let follower = EventFollower(
                    publish: publish ?? usual ?? Configuration.daemonEndpoint(fleet ? "fleet" : "events"),
                    control: daemon.control, filter: .init(query: query, stream: stream, isOfFleet: fleet),
                    identity: try daemon.keys.identity())
                // Sockets and a full terminal block, so the follower does not run on the cooperative thread pool.
                try await offPoolThrowing { try follower.run(since: since, open: open, live: follow) { try show($0) } }
            }
        }

        private func show(_ followed: Followed) throws {
            switch followed {
            case .open(let message), .message(let message):
                if daemon.json { return Terminal.say(json: message.body) }
                Terminal.say(styled: try WireCoding.decode(MatchMessage.self, message.body).line)
            case .lost(let lost):
                let why =
                    switch lost.reason {
                    case "retention": "are older than the journal keeps"
                    case "restored": "are gone: the daemon's journal was restored from an older copy"
                    default: "could not be journaled"
                    }
                Terminal.complain("messages \(lost.first) to \(lost.last) \(why)")
            case .restarted:
                Terminal.complain(
                    "the daemon has another journal than before: it was restored from a copy, or begun anew")
            case .ahead(let ahead):
                Terminal.complain(
                    "there is no message \(ahead.since): the newest is \(ahead.newest), in another journal than before")
            case .resumed(let last):
                Terminal.complain(
                    last == 0
                        ? "Its numbers begin again at 1, and all of its messages follow."
                        : "Its messages are the same up to \(last), and those after that follow.")
            case .away(let why): Terminal.complain("\(why) Waiting for it.")
            }
        }
    }
}
