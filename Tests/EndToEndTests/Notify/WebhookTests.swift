import Foundation
import Journal
import TestSupport
import Testing
import WireFormat

/// Tests a daemon with notifiers, against receivers that check requests by other libraries.
@Suite("Webhooks", .serialized)
struct WebhookTests {
    private let notified: Notified
    private var place: Place { notified.place }
    private let secret: String

    init() throws {
        notified = try Notified()
        secret = try notified.secret("secret", Receiver.secret)
    }

    private func daemon(_ notifiers: [String], streams: Bool = true) throws -> [String] {
        try notified.daemon(notifiers, streams: streams)
    }

    private func hook(_ name: String, _ port: UInt16, _ more: String = "") -> String {
        "name: \(name), url: \"http://localhost:\(port)/hook\", secret: \(secret), "
            + "addresses: [127.0.0.1, \"::1\"]\(more)"
    }

    private func start(_ arguments: [String]) async throws -> Program { try await notified.start(arguments) }
    private func notifier(_ name: String) async throws -> JSONValue? { try await notified.notifier(name) }

    @Test("every event at least once and in order, over kills, a receiver that fails, is away, or hangs beside it")
    func survives() async throws {
        let (port, other) = (try freePort(), try freePort())
        var receiver = try await Receiver(place.folder, port: port)
        let hanging = try await Receiver(place.folder, port: other, mode: "hang")
        let notifiers = [hook("hook", port), hook("hangs", other, ", timeout: 20")]
        var got: [JSONValue] = []
        for round in 0..<5 {
            let (current, before) = (receiver, receiver.taken.count)
            let program = try await start(daemon(notifiers))
            // A pause of the first try is 5 s: one round in which the receiver fails, one in which it is away.
            if round == 1 {
                try receiver.answer("fail")
                #expect(try await until { current.all.contains { $0["mode"] == .string("fail") } })
                #expect(try await until { try await notifier("hook")?["state"] == .string("failing") })
                try receiver.answer("ok")
            } else if round == 3 {
                try await receiver.stop()
                got += receiver.taken
                #expect(try await until { try await notifier("hook")?["state"] == .string("failing") })
                let next = try await Receiver(place.folder, port: port)
                receiver = next
                #expect(try await until { !next.taken.isEmpty })
            }
            if round != 3 { #expect(try await until { current.taken.count > before + 20 }) }
            #expect(try await notifier("hangs")?["delivered"] == .integer(0))
            program.kill()
            #expect(try await until { !program.isRunning })
        }
        let program = try await start(daemon(notifiers, streams: false))
        #expect(try await until { try await notifier("hook")?["waiting"] == .integer(0) })
        #expect(try await until { try await notifier("hook")?["state"] == .string("idle") })
        #expect(try await program.terminate() == 0)
        try await receiver.stop()
        got += receiver.taken
        #expect(receiver.all.allSatisfy { $0["error"] == nil })
        #expect(hanging.all.allSatisfy { $0["mode"] == .string("hang") } && !hanging.all.isEmpty)
        try check(got)
    }

    /// Compares the received requests with the journal.
    private func check(_ got: [JSONValue]) throws {
        let journal = try Journal(path: place.journal)
        let entries = try journal.replay(since: 0, limit: 1_000_000).entries.filter { $0.topic.hasPrefix("match.") }
        var bodies: [String: JSONValue] = [:]
        for entry in entries { bodies["\(journal.identity)-\(entry.seq)"] = try JSONText.parse(entry.body) }
        var first: [Int64] = []
        var seen: Set<String> = []
        for one in got {
            guard let id = one["id"]?.string, let data = one["data"], seen.insert(id).inserted else { continue }
            #expect(one["event"] == .string(id) && data == bodies[id])
            first.append(data["seq"]?.integer ?? 0)
        }
        #expect(first == entries.map(\.seq), "all of them, the first times in order")
        print("notify: \(entries.count) events, \(got.count) received over 5 kills")
    }

    @Test("redirects are not followed, 410 disables for good, a private address must be named")
    func refusals() async throws {
        let (port, other) = (try freePort(), try freePort())
        let moved = try await Receiver(place.folder, port: port, mode: "redirect")
        let gone = try await Receiver(place.folder, port: other, mode: "gone")
        let unnamed = "name: unnamed, url: \"http://localhost:\(port)/hook\""
        let metadata = "name: metadata, url: \"http://169.254.169.254/latest\", addresses: [0.0.0.0/0]"
        let program = try await start(daemon([hook("moved", port), hook("gone", other), unnamed, metadata]))
        #expect(try await until { try await notifier("gone")?["state"] == .string("gone") })
        #expect(try await until { try await notifier("moved")?["problem"]?.string?.contains("302") == true })
        for (name, reason) in [("unnamed", "is in a private network"), ("metadata", "never connected to")] {
            let reply = try await place.ask("notify.test", .object(["name": .string(name)]))
            #expect(reply.error?.code == "refused" && reply.error?.message.contains(reason) == true, "\(reply)")
        }
        #expect(try await place.ask("notify.test", .object(["name": .string("none")])).error?.code == "not-found")
        try moved.answer("ok")
        #expect(try await place.ask("notify.test", .object(["name": .string("moved")])).ok)
        #expect(try await program.terminate() == 0)
        #expect(!moved.all.contains { $0["path"] == .string("/elsewhere") })
        let taken = try #require(moved.taken.first { $0["type"] == .string("watchword.test") })
        #expect(taken["source"] == .string("/watchword/notifiers/moved"))
        // Disabled over a restart; resumed by a person.
        let count = gone.all.count
        let again = try await start(daemon([hook("gone", other)]))
        #expect(try await notifier("gone")?["state"] == .string("gone"))
        #expect(gone.all.count == count)
        try gone.answer("ok")
        #expect(try await place.ask("notify.resume", .object(["name": .string("gone")])).ok)
        #expect(try await until { !gone.taken.isEmpty })
        #expect(try await again.terminate() == 0)
    }

    @Test("by ntfy an event's picture is put at the topic; a server that takes none gets the alert without")
    func pictures() async throws {
        let port = try freePort()
        let receiver = try await Receiver(place.folder, port: port, plain: true)
        let phone =
            "name: phone, format: ntfy, url: \"http://127.0.0.1:\(port)/alarm\", addresses: [127.0.0.1], picture: true"
        let program = try await start(daemon([phone]))
        #expect(try await until { receiver.taken.contains { $0["method"] == .string("PUT") } })
        let put = try #require(receiver.taken.first { $0["method"] == .string("PUT") })
        #expect(put["path"] == .string("/alarm") && put["jpeg"] == .bool(true) && (put["bytes"]?.integer ?? 0) > 500)
        #expect(put["title"]?.string?.isEmpty == false)
        try receiver.answer("nopicture")
        #expect(
            try await until {
                receiver.all.contains { $0["mode"] == .string("nopicture") && $0["body"]?["topic"] == .string("alarm") }
            })
        #expect(try await notifier("phone")?["failures"] == .integer(0))
        #expect(try await program.terminate() == 0)
    }

    @Test("ntfy's body, its token, and what the command line says of it")
    func people() async throws {
        let port = try freePort()
        let receiver = try await Receiver(place.folder, port: port, plain: true)
        let token = try notified.secret("token", "tk_secret")
        let phone =
            "name: phone, format: ntfy, url: \"http://127.0.0.1:\(port)/alarm\", token: \(token), "
            + "addresses: [127.0.0.1], at_most: {alerts: 2, per: 1d}"
        let program = try await start(daemon([phone]))
        func run(_ arguments: [String]) async throws -> String {
            try await Program(Fixtures.plugins + "/watchword", arguments + ["--control", place.control]).rest()
        }
        #expect(try await run(["notify", "test", "phone"]) == "the receiver of phone took it\n")
        #expect(try await until { try await notifier("phone")?["state"] == .string("keeping") })
        let list = try await run(["notify", "list"])
        #expect(list.contains("phone") && list.contains("keeping") && !list.contains("tk_secret"))
        #expect(!(try await run(["notify", "list", "--json"])).contains("tk_secret"))
        #expect(try await run(["status"]).contains("notifiers"))
        #expect(try await program.terminate() == 0)
        let bodies = receiver.taken.compactMap { $0["body"] }
        #expect(bodies.count == 3 && bodies.allSatisfy { $0["topic"] == .string("alarm") })
        #expect(receiver.taken.allSatisfy { $0["path"] == .string("/") })
        #expect(receiver.taken.allSatisfy { $0["authorization"] == .string("Bearer tk_secret") })
        #expect(bodies.allSatisfy { $0["title"]?.string?.isEmpty == false && $0["message"]?.string?.isEmpty == false })
    }
}
