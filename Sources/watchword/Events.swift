import ArgumentParser
import Foundation
import Messaging
import Watchtower

struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Events of the running daemon: from the journal, as they happen, or both without a gap.")

    @Option(help: "Begin after this seq (0 is the beginning of the journal).")
    var since: Int64?
    @Flag(help: "Go on with what happens from now on.")
    var follow = false
    @Option(help: "Only events of this query.")
    var query: String?
    @Option(help: "Only events of this stream.")
    var stream: String?
    @Option(help: "The daemon's publishing socket.")
    var publish: String =
        ProcessInfo.processInfo.environment["WATCHWORD_PUBLISH"] ?? Configuration.defaultEndpoint("events")
    @OptionGroup var daemon: DaemonOptions

    func validate() throws {
        if since == nil && !follow { throw ValidationError("give --since SEQ, --follow, or both") }
    }

    func run() async throws {
        try await Exit.guarding {
            // Subscribe first, then replay: what happens in between comes twice, and is known by its seq.
            let subscriber = follow ? try Subscriber(connecting: publish, prefixes: ["match."]) : nil
            let live = subscriber?.messages()
            var last = since ?? 0
            if since != nil { last = try replay(after: last) }
            guard let live else { return }
            signal(SIGINT, SIG_DFL)
            var caughtUp = since == nil
            for await message in live {
                // The first live message shows whether the journal went on while the subscription was being made.
                if !caughtUp, message.seq > last + 1 { last = try replay(after: last) }
                caughtUp = true
                guard since == nil || message.seq > last else { continue }
                last = message.seq
                try show(message.topic, message.body)
            }
        }
    }

    /// Prints what the journal has after a seq; returns the last seq seen.
    private func replay(after start: Int64) throws -> Int64 {
        var last = start
        while true {
            let page =
                try daemon.ask(
                    "events.replay", .object(["since": .integer(last), "limit": .integer(1000)])
                ).array ?? []
            for entry in page {
                guard let topic = entry["topic"]?.string, let body = entry["body"] else { continue }
                last = max(last, body["seq"]?.integer ?? last)
                try show(topic, WireCoding.encode(body))
            }
            if page.count < 1000 { return last }
        }
    }

    private func show(_ topic: String, _ body: Data) throws {
        guard topic.hasPrefix("match."), let message = try? WireCoding.decode(MatchMessage.self, body),
            query == nil || message.query.id == query, stream == nil || message.stream == stream
        else { return }
        if daemon.json { try Terminal.say(json: message) } else { Terminal.say(message.line) }
    }
}
