import Foundation
import Journal
import TestSupport
import Testing
import WireFormat

/// Tests notifiers that clients add while the daemon runs.
@Suite("Notifiers that are added", .serialized)
struct AddedTests {
    private let notified: Notified
    private let secret: String
    private var place: Place { notified.place }

    init() throws {
        notified = try Notified()
        secret = try notified.secret("secret", Receiver.secret)
    }

    /// The daemon's arguments, with one notifier of the configuration; `credentials`: whether it holds any.
    private func daemon(_ port: UInt16, credentials: Bool = true, streams: Bool = true) throws -> [String] {
        let arguments = try notified.daemon(
            ["name: fixed, url: \"http://127.0.0.1:\(port)/fixed\", addresses: [127.0.0.1]"], streams: streams)
        var text = try String(contentsOfFile: arguments[2], encoding: .utf8)
        text += "\nreceivers: {addresses: [127.0.0.1, \"::1\"]}\n"
        if credentials {
            text += """
                credentials:
                  hook: {file: \(secret), hosts: [127.0.0.1]}
                  elsewhere: {file: \(secret), hosts: [example.org]}

                """
        }
        try text.write(toFile: arguments[2], atomically: true, encoding: .utf8)
        return arguments
    }

    private func add(_ json: String) async throws -> ControlReply {
        try await place.ask("notify.add", JSONText.parse(Data(json.utf8)))
    }

    private func names() async throws -> [String] {
        try await place.ask("notify.list").result?.array?.compactMap { $0["name"]?.string } ?? []
    }

    @Test("one goes on where it was after a kill, waits without its credential, and is gone when it is removed")
    func life() async throws {
        let (port, unused) = (try freePort(), try freePort())
        let receiver = try await Receiver(place.folder, port: port)
        let hook = #"{"name": "hook", "url": "http://127.0.0.1:\#(port)/hook", "secret": "hook"}"#
        var program = try await notified.start(daemon(unused))
        #expect(try await add(hook).result?["change"] == .string("added"))
        #expect(try await add(hook).result?["change"] == .string("unchanged"))
        #expect(try await until { receiver.taken.count > 20 })
        try receiver.answer("fail")
        #expect(try await notified.reaches("failing", "hook"))
        #expect(try await notified.notifier("hook")?["source"] == .string("socket"))
        #expect(try await notified.notifier("fixed")?["source"] == .string("file"))
        let killed = program
        killed.kill()
        #expect(try await until { !killed.isRunning })
        // Its credential was taken away: it does not run, and keeps its place.
        program = try await notified.start(daemon(unused, credentials: false, streams: false))
        #expect(try await names() == ["fixed"])
        #expect(try await program.terminate() == 0)
        try receiver.answer("ok")
        program = try await notified.start(daemon(unused, streams: false))
        #expect(try await until { try await notified.notifier("hook")?["waiting"] == .integer(0) })
        #expect(try await notified.reaches("idle", "hook"))
        // Another description goes on at the same place.
        let started = hook.replacing("\"secret\"", with: "\"phases\": \"start\", \"secret\"")
        #expect(try await add(started).result?["change"] == .string("replaced"))
        let seq = try await notified.notifier("hook")?["seq"]?.integer ?? 0
        #expect(seq > 20)
        #expect(try await place.ask("notify.remove", .object(["name": .string("hook")])).ok)
        #expect(try await names() == ["fixed"])
        #expect(try await program.terminate() == 0)
        program = try await notified.start(daemon(unused, streams: false))
        #expect(try await names() == ["fixed"])
        #expect(try await program.terminate() == 0)
        try await receiver.stop()
        #expect(receiver.all.allSatisfy { $0["error"] == nil })
        try check(receiver.taken)
    }

    /// Holds what came against the journal: every event from the first that came on, in order, and no place is left.
    private func check(_ got: [JSONValue]) throws {
        let journal = try Journal(path: place.journal)
        let entries = try journal.replay(since: 0, limit: 1_000_000).entries.filter { $0.topic.hasPrefix("match.") }
        var seen: Set<Int64> = []
        let firsts = got.compactMap { $0["data"]?["seq"]?.integer }.filter { seen.insert($0).inserted }
        let begin = try #require(firsts.first)
        #expect(firsts == entries.map(\.seq).filter { $0 >= begin })
        #expect(try journal.places().keys.sorted() == ["fixed"])
        #expect(try journal.saved(.receiver).isEmpty)
    }

    @Test("each refusal is one sentence, and changes nothing")
    func refusals() async throws {
        let port = try freePort()
        let program = try await notified.start(daemon(port, streams: false))
        for (json, code, reason) in [
            (#"{"name": "fixed", "url": "http://localhost/a"}"#, "refused", "the configuration has a notifier"),
            (#"{"name": "a", "url": "http://localhost/a", "secret": "\#(secret)"}"#, "bad-argument", "clients name"),
            (#"{"name": "a", "url": "http://localhost/a", "secret": "elsewhere"}"#, "refused", "for example.org alone"),
            (#"{"name": "a", "url": "http://169.254.169.254/a"}"#, "refused", "never connected to"),
            (#"{"name": "a", "url": "http://10.1.2.3/a"}"#, "refused", "receivers: {addresses: [10.1.2.3]}"),
            (#"{"name": "a", "url": "http://a/a", "addresses": ["10.1.2.3"]}"#, "bad-argument", "addresses"),
            (#"{"name": "a"}"#, "bad-argument", "url: it is missing"),
            (#"{"name": "a", "url": "http://a/a", "phases": "never"}"#, "bad-argument", "phases"),
        ] {
            let reply = try await add(json)
            #expect(reply.error?.code == code && reply.error?.message.contains(reason) == true, "\(json): \(reply)")
        }
        let broker = #""format": "mqtt", "url": "mqtt://127.0.0.1:\#(port)""#
        #expect(try await add("{\"name\": \"b\", \(broker)}").ok)
        #expect(try await add("{\"name\": \"c\", \(broker)}").error?.message.contains("give each its own") == true)
        #expect(try await names() == ["fixed", "b"])
        for (name, code, reason) in [("fixed", "refused", "remove it there"), ("none", "not-found", "no notifier")] {
            let reply = try await place.ask("notify.remove", .object(["name": .string(name)]))
            #expect(reply.error?.code == code && reply.error?.message.contains(reason) == true, "\(reply)")
        }
        #expect(try await program.terminate() == 0)
    }

    @Test("the command line adds one, says where each is from, and removes it")
    func commands() async throws {
        let port = try freePort()
        let receiver = try await Receiver(place.folder, port: port, plain: true)
        let program = try await notified.start(daemon(port))
        let add = [
            "notify", "add", "phone", "http://127.0.0.1:\(port)/alarm", "--format", "ntfy", "--token", "hook",
            "--phase", "start", "--at-most", "2/1d", "--quiet", "UTC 00:00-00:01", "--catch-up", "1h", "--timeout",
        ]
        #expect(try await notified.run(add + ["5s"]) == "added phone\n")
        #expect(try await notified.run(add + ["6s"]) == "replaced phone\n")
        #expect(try await notified.run(["notify", "test", "phone"]) == "the receiver of phone took it\n")
        let list = try await notified.run(["notify", "list"])
        #expect(list.contains("socket") && list.contains("file") && !list.contains(Receiver.secret))
        #expect(receiver.taken.contains { $0["authorization"] == .string("Bearer \(Receiver.secret)") })
        #expect(try await notified.run(["notify", "remove", "phone"]) == "removed phone\n")
        #expect(try await names() == ["fixed"])
        #expect(try await program.terminate() == 0)
    }
}
