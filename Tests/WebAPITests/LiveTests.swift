import Daemon
import Engine
import Foundation
import Live
import Publishing
import TestSupport
import Testing
import WebAPI
import WireFormat

@Suite("The live stream", .serialized)
struct LiveTests {
    private static let scene = [
        "streams:", "- {name: s, uri: \"shapes://7\", labels: [yard]}", "- {name: other, uri: \"shapes://8\"}",
        "queries:", "- {id: q, text: something appears, threshold: 0.161, streams: [\"label:yard\"]}",
    ]

    /// Starts a separate client program that prints each frame as a line.
    private func read(_ web: Web, _ query: String, _ wanted: String) throws -> Program {
        try Web.client(["live", web.server.address + "/api/v1/live?" + query, wanted])
    }

    @Test("one connection brings messages in order, scores beside their threshold, and pictures as wide as asked for")
    func everything() async throws {
        let web = try await Web(Self.scene)
        let client = try read(web, "since=0&streams=s&queries=q&width=320", "60")
        var (seqs, scores, pictures) = ([Int64](), [JSONValue](), [JSONValue]())
        var first: JSONValue?
        for line in try await client.rest().split(separator: "\n") {
            let frame = try JSONText.parse(Data(line.utf8))
            first = first ?? frame
            switch frame["kind"]?.string {
            case "message": seqs.append(frame["body"]?["body"]?["seq"]?.integer ?? -1)
            case "scores": scores += frame["body"]?["scores"]?.array ?? []
            case "picture": pictures.append(frame)
            default: break
            }
        }
        #expect(first?["kind"]?.string == "hello" && first?["body"]?["seq"]?.integer == 0)
        #expect(first?["body"]?["journal"]?.string == web.daemon.outbox.identity)
        #expect(!seqs.isEmpty && seqs == Array(1...Int64(seqs.count)))
        #expect(!scores.isEmpty)
        for score in scores {
            #expect(score["query"]?.string == "q" && score["stream"]?.string == "s")
            // As it was given; the engine has it in single precision.
            #expect(abs((score["threshold"]?.double ?? 0) - 0.161) < 1e-6)
            #expect((-1.0...1.0).contains(score["value"]?.double ?? 9))
        }
        #expect(!pictures.isEmpty && pictures.allSatisfy { $0["stream"]?.string == "s" })
        await web.stop()
    }

    @Test("a picture is halved where half of it is as wide as asked for, and never more")
    func widths() async throws {
        let web = try await Web(Self.scene)
        func width(_ asked: String) async throws -> Int64 {
            let lines = try await read(web, "since=0&streams=s" + asked, "12").rest().split(separator: "\n")
            let widths = try lines.compactMap { try JSONText.parse(Data($0.utf8))["width"]?.integer }
            #expect(Set(widths).count == 1, "\(asked) \(widths)")
            return widths.first ?? 0
        }
        let whole = try await width("")
        #expect(whole > 32)
        #expect(try await width("&width=\(whole / 2)") == whole / 2)
        #expect(try await width("&width=\(whole / 2 + 1)") == whole)
        #expect(try await width("&width=4096") == whole)
        await web.stop()
    }

    @Test("scores come of the streams that are looked at, and of all where none is named")
    func lanes() async throws {
        let web = try await Web(Self.scene + ["- {id: all, text: something appears, threshold: 0.161}"])
        let board = web.daemon.live
        let (one, every) = (board.watch(.named(["s"]), queries: ["all"]), board.watch(.named([]), queries: ["all"]))
        @Sendable func lanes(_ watch: LiveBoard.Watch) -> Set<String> {
            Set(board.points(for: watch, after: 0).points.map(\.score.lane))
        }
        #expect(try await until { lanes(every) == ["s", "other"] && !lanes(one).isEmpty })
        #expect(lanes(one) == ["s"])
        #expect(LiveBoard.Streams.named(["s"]).hasScores(of: "s/door"))
        #expect(!LiveBoard.Streams.named(["s"]).hasScores(of: "s2"))
        await web.stop()
    }

    @Test("a client that does not read holds up no other, and gets every message when it does")
    func stalled() async throws {
        let web = try await Web(Self.scene)
        let target = web.server.address + "/api/v1/live?since=0&streams=*&queries=q"
        let stalled = try Web.client(["live", target, "40", "later"], input: true)
        #expect(try await stalled.line() == "open")
        func seqs(_ said: String) throws -> [Int64] {
            try said.split(separator: "\n").compactMap {
                try JSONText.parse(Data($0.utf8))["body"]?["body"]?["seq"]?.integer
            }
        }
        let seen = try seqs(try await read(web, "since=0&streams=*&queries=q", "80").rest())
        #expect(!seen.isEmpty && seen == Array(1...Int64(seen.count)))
        stalled.say("read")
        let late = try seqs(try await stalled.rest())
        #expect(!late.isEmpty && late == Array(1...Int64(late.count)))
        await web.stop()
    }

    @Test("a client that comes back with a number gets what it missed, and one of another journal is refused")
    func resumed() async throws {
        let web = try await Web(Self.scene)
        let journal = web.daemon.outbox.identity
        #expect(try await until { web.daemon.outbox.lastSeq >= 4 })
        let lines = try await read(web, "since=2&journal=\(journal)", "3").rest().split(separator: "\n")
        let seqs = try lines.dropFirst().map { try JSONText.parse(Data($0.utf8))["body"]?["body"]?["seq"]?.integer }
        #expect(seqs == [3, 4])
        for (query, status) in [
            ("since=1&journal=other", 409), ("since=999999", 409), ("since=x", 400), ("width=1", 400),
            ("nothing=1", 400),
            ("streams=" + (0...64).map { "s\($0)" }.joined(separator: ","), 400),
            ("queries=" + (0...32).map { "q\($0)" }.joined(separator: ","), 400),
        ] {
            #expect(try await web.curl("/api/v1/live?" + query).status == status, "\(query)")
        }
        #expect(try await web.curl("/api/v1/live", ["--head"]).status == 200)
        await web.stop()
    }

    @Test("nothing is kept when nobody looks, a late reader finds the newest, and a picture is encoded once for all")
    func slow() async throws {
        let web = try await Web(Self.scene)
        let board = web.daemon.live
        #expect(board.watchedQueries.isEmpty && board.kept == 0)
        do {
            let watch = board.watch(.named(["s"]), queries: ["q"])
            #expect(try await until { !board.pictures(for: watch, after: [:], width: 4096).isEmpty })
            let first = try #require(board.pictures(for: watch, after: [:], width: 4096).first)
            #expect(try await until { !board.pictures(for: watch, after: ["s": first.number + 4], width: 16).isEmpty })
            // Whatever came between is one picture, and of a stream that nobody looks at there is none.
            #expect(board.kept == 1)
            let newer = try #require(board.pictures(for: watch, after: ["s": first.number], width: 16).first)
            #expect(newer.number > first.number + 4 && newer.jpeg.prefix(2) == Data([0xFF, 0xD8]))
            #expect(try await until { !board.points(for: watch, after: 0).points.isEmpty })
            // Of two readers who look at one picture, the second is given what was made for the first.
            let other = board.watch(.named(["s"]), queries: [])
            let isShared = try await until {
                let mine = board.pictures(for: watch, after: [:], width: 16).first
                let before = board.encodings
                let its = board.pictures(for: other, after: [:], width: 16).first
                return mine?.number == its?.number && board.encodings == before
            }
            #expect(isShared)
        }
        #expect(try await until { board.watchedQueries.isEmpty && board.kept == 0 })
        await web.stop()
    }

    @Test("a stream is changed by what is given alone: its labels stay, and null takes a rate back to its default")
    func updated() async throws {
        let web = try await Web(Self.scene)
        let patch = ["-X", "PATCH", "-H", "Content-Type: application/json", "-d"]
        let changed = try await web.json("/api/v1/streams/s", patch + [#"{"fps":2}"#])
        #expect(changed["change"]?.string == "replaced")
        #expect(try await web.json("/api/v1/streams/s")["fps"]?.double == 2)
        #expect(try await web.json("/api/v1/streams/s", patch + [#"{"fps":2}"#])["change"]?.string == "unchanged")
        _ = try await web.json("/api/v1/streams/s", patch + [#"{"fps":null}"#])
        #expect(try await web.json("/api/v1/streams/s")["fps"]?.double == 4)
        // The label still selects it.
        #expect(
            try await until {
                try await web.json("/api/v1/queries/q/explanation").array?.map { $0["stream"]?.string } == ["s"]
            })
        #expect(try await web.curl("/api/v1/streams/none", patch + ["{}"]).status == 404)
        #expect(try await web.curl("/api/v1/streams/s", patch + [#"{"uri":"nothing://x"}"#]).status == 422)
        await web.stop()
    }
}
