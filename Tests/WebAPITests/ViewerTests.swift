import ControlAPI
import Daemon
import Foundation
import Journal
import Publishing
import SystemSupport
import TestSupport
import Testing
import WatchwordConfiguration
import WebAPI
import WireFormat

/// A viewer who may see one of two streams: each answer is searched for what it would have to know of the other.
@Suite("Viewers of some streams", .serialized)
struct ViewerTests {
    private static let token = "a-token-for-the-lobby-0123456789"
    private static let everything = "a-token-for-everything-0123456789"
    private static let json = ["-H", "Content-Type: application/json"]

    private func bearer(_ token: String) -> [String] { ["-H", "Authorization: Bearer \(token)"] }

    private func web() async throws -> (Web, String) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "v-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, text) in [("lobby", Self.token), ("all", Self.everything)] {
            try #require(
                FileManager.default.createFile(
                    atPath: "\(folder)/\(name)", contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
        }
        let tokens =
            "{file: \(folder)/lobby, role: view, streams: [\"lobby*\"]}, {file: \(folder)/all, role: control}"
        let web = try await Web(
            [
                "streams:", "- {name: lobby-1, uri: \"shapes://7\", regions: {door: [0, 0, 1, 1]}}",
                "- {name: vault, uri: \"shapes://8\", labels: [secret]}", "queries:",
                "- {id: both, text: something appears, threshold: 0.161, streams: [vault, lobby-1]}",
                "- {id: hidden, text: something is taken, threshold: 0.1, streams: [\"label:secret\"]}",
            ], http: "{listen: \"127.0.0.1:0\", rate: 100000, tokens: [\(tokens)]}")
        return (web, folder)
    }

    /// An event with a picture on a stream, as the one who sees all is told of it.
    private func event(on stream: String, _ web: Web) async throws -> JSONValue {
        for _ in 0..<600 {
            let all = try await web.json("/api/v1/events?since=0&topic=match.", bearer(Self.everything)).array ?? []
            let found = all.compactMap { $0["body"] }.last {
                $0["stream"]?.string == stream && $0["phase"]?.string == "end" && $0["snapshot"]?.string != nil
            }
            if let found { return found }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw CancellationError()
    }

    @Test("no answer names another stream, its queries or its events, and what is about all streams is refused")
    func nothingOfOthers() async throws {
        let (web, folder) = try await web()
        let (own, other) = (try await event(on: "lobby-1", web), try await event(on: "vault", web))
        let (mine, theirs) = (own["event"]?.string ?? "", other["event"]?.string ?? "")
        let viewer = bearer(Self.token)
        var told = ""
        for operation in Operations.all where operation.role == .view {
            for name in ["lobby-1", "vault", "both", "hidden", theirs] {
                let path = Routes.root + operation.path.replacing(/\{[a-z]+\}/, with: name)
                let body = operation.method == .post ? Self.json + ["-d", #"{"text": "something appears"}"#] : []
                let answer = try await web.curl(
                    path, viewer + ["-X", operation.method.rawValue.uppercased()] + body)
                #expect((answer.status == 403) == !operation.mindsStreams, "\(operation.name) \(answer)")
                // A refusal may say what was asked for.
                if answer.status == 200 { told += answer.body }
            }
        }
        for path in ["/events/stream?since=0", "/live?since=0&streams=*&queries=both,hidden", "/live?streams=vault"] {
            told += (try? await web.curl("/api/v1" + path, viewer + ["-m", "3", "--output", "-"]).body) ?? ""
        }
        #expect(told.contains("lobby-1") && told.contains(mine))
        for word in ["vault", "hidden", "is taken", theirs] { #expect(!told.contains(word), "\(word)") }
        #expect(try await web.curl("/metrics", viewer).status == 403)
        await web.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test("pictures, events and moments of another stream are answered as if they were not there")
    func unseen() async throws {
        let (web, folder) = try await web()
        let (own, other) = (try await event(on: "lobby-1", web), try await event(on: "vault", web))
        let viewer = bearer(Self.token)
        func status(_ path: String, _ body: String? = nil, as bearer: [String]? = nil) async throws -> Int {
            let options = body.map { Self.json + ["-d", $0] } ?? ["-o", "/dev/null", "-D", "-"]
            return try await web.curl("/api/v1" + path, (bearer ?? viewer) + options).status
        }
        func picture(_ event: JSONValue) -> String {
            let at = event["peak"]?["at"]?.string?.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            return "/history/picture?stream=\(event["stream"]?.string ?? "")&at=\(at)"
        }
        for (event, wanted) in [(own, 200), (other, 404)] {
            let (id, stream) = (event["event"]?.string ?? "", event["stream"]?.string ?? "")
            #expect(try await status("/events/\(id)/snapshot") == wanted, "\(stream)")
            #expect(try await status(picture(event)) == wanted, "\(stream)")
            #expect(try await status("/search", #"{"event": "\#(id)"}"#) == wanted, "\(stream)")
            let at = event["peak"]?["at"]?.string ?? ""
            #expect(
                try await status("/search", #"{"moment": {"stream": "\#(stream)", "at": "\#(at)"}}"#) == wanted,
                "\(stream)")
            #expect(try await status("/streams/\(stream)") == wanted)
            // No coded video comes of a drawn stream; one that is not seen is not there.
            #expect(try await status("/streams/\(stream)/live.mp4") == (wanted == 200 ? 409 : 404))
            #expect(try await status("/queries/both/explanation?stream=\(stream)") == wanted)
            // They are there.
            #expect(try await status("/events/\(id)/snapshot", as: bearer(Self.everything)) == 200)
            #expect(try await status(picture(event), as: bearer(Self.everything)) == 200)
        }
        #expect(try await status("/queries/hidden") == 404)
        #expect(try await status("/queries/hidden/explanation") == 404)
        #expect(try await status("/queries/hidden/explanation?stream=lobby-1") == 404)
        let page = try await web.json("/api/v1/export?limit=1", viewer)
        #expect(page["queries"]?.array?.map { $0["id"]?.string } == ["both"])
        #expect(try await web.json("/api/v1/export?limit=1&after=both", viewer)["queries"] == .array([]))
        #expect(try await status("/backtest", #"{"id": "hidden"}"#) == 404)
        let past =
            try await web.json(
                "/api/v1/backtest", viewer + Self.json + ["-d", #"{"id": "both"}"#])["streams"]?.array ?? []
        #expect(past.map { $0["stream"]?.string } == ["lobby-1"])
        let both = try await web.json("/api/v1/queries/both", viewer)
        #expect(both["streams"] == .array([.string("lobby-1")]))
        #expect(try await web.json("/api/v1/session", viewer)["streams"] == .array([.string("lobby*")]))
        await web.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test("a replay in pages leaves out what is not seen, and comes to its end")
    func pages() async throws {
        let (web, folder) = try await web()
        _ = try await event(on: "vault", web)
        _ = try await event(on: "lobby-1", web)
        let last = web.daemon.outbox.lastSeq
        func seqs(_ token: String, limit: Int) async throws -> [Int64] {
            var (seqs, since) = ([Int64](), Int64(0))
            while true {
                let page = try await web.json("/api/v1/events?since=\(since)&limit=\(limit)", bearer(token)).array ?? []
                let found = page.compactMap { $0["body"]?["seq"]?.integer }.filter { $0 <= last }
                seqs += found
                guard let newest = found.last, !found.isEmpty else { return seqs }
                since = newest
            }
        }
        let all = try await seqs(Self.everything, limit: 100)
        let (one, many) = (try await seqs(Self.token, limit: 1), try await seqs(Self.token, limit: 100))
        #expect(one == many && !one.isEmpty && one.count < all.count && Set(one).isSubset(of: all))
        await web.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test("only a viewer's token is limited, and a pattern that is none is refused by a sentence")
    func configuration() throws {
        func http(_ token: String) throws -> HTTPConfiguration? {
            try Configuration(yaml: "http: {tokens: [\(token)]}", path: "w.yaml").http
        }
        let good = try http("{file: x, role: view, streams: [\"lobby*\", \"!lobby-7\"]}")?.tokens.first?.streams
        #expect(good?.matches("lobby-1") == true && good?.matches("lobby-7") == false && good?.matches("x") == false)
        for (token, sentence) in [
            ("{file: x, role: operate, streams: [a]}", "only a token with the role view"),
            ("{file: x, role: view, streams: []}", "expected 1 to 64 patterns"),
            ("{file: x, role: view, streams: [\"a/b\"]}", "\"a/b\" is no pattern"),
            ("{file: x, role: view, streams: [\"label:a\"]}", "is no pattern"),
            ("{file: x, role: view, streams: [\"\"]}", "is no pattern"),
        ] {
            #expect { try http(token) } throws: { "\($0)".contains(sentence) }
        }
    }
}
