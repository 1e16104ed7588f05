import Daemon
import Foundation
import TestSupport
import Testing
import WebAPI
import WireFormat

@Suite("Pictures of the past by HTTP, and what is like a moment", .serialized)
struct HistoryPictureTests {
    private static let scene = [
        "streams:", "- {name: s, uri: \"shapes://7\"}", "queries:",
        "- {id: q, text: something appears, threshold: 0.161}",
    ]
    private static let json = ["-H", "Content-Type: application/json"]

    /// Waits for the end of an event with a picture; returns its message.
    private func ended(_ web: Web) async throws -> JSONValue {
        for _ in 0..<600 {
            let messages = try await web.json("/api/v1/events?since=0&topic=match.").array ?? []
            let ends = messages.compactMap { $0["body"] }.filter { $0["phase"]?.string == "end" }
            if let end = ends.first(where: { $0["snapshot"]?.string != nil }) { return end }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw CancellationError()
    }

    private func search(_ web: Web, _ body: String) async throws -> (status: Int, answer: JSONValue) {
        let found = try await web.curl("/api/v1/search", Self.json + ["-d", body])
        return (found.status, try JSONText.parse(Data(found.body.utf8)))
    }

    /// Downloads a picture; returns its type and its size in pixels.
    private func picture(_ web: Web, _ path: String) async throws -> (type: String, width: Int, height: Int)? {
        let place = web.folder.appending(path: "picture.jpg")
        let said = try await Program(
            "/usr/bin/curl",
            ["-sS", "-m", "60", "-o", place.path, "-w", "%{http_code} %{content_type}", web.server.address + path]
        ).rest()
        guard said.hasPrefix("200 ") else { return nil }
        let bytes = [UInt8](try Data(contentsOf: place))
        try #require(bytes.prefix(3) == [0xFF, 0xD8, 0xFF] && bytes.suffix(2) == [0xFF, 0xD9])
        // The frame's header, of a baseline file.
        let at = try #require(bytes.indices.dropLast(9).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
        func number(_ place: Int) -> Int { Int(bytes[at + place]) << 8 | Int(bytes[at + place + 1]) }
        return (String(said.dropFirst(4)), number(7), number(5))
    }

    private func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }

    @Test("moments and events have pictures, an event and a moment find what is like them, and removal takes all of it")
    func served() async throws {
        let web = try await Web(Self.scene)
        let end = try await ended(web)
        let (event, peak) = (end["event"]?.string ?? "", end["peak"]?["at"]?.string ?? "")
        let path = "/api/v1/history/picture?stream=s&at=\(escaped(peak))"
        let shown = try #require(try await picture(web, path))
        #expect(shown.type == "image/jpeg" && 1...320 ~= shown.width && 1...320 ~= shown.height, "\(shown)")
        let (status, found) = try await search(web, #"{"text": "something appears"}"#)
        let moments = found["moments"]?.array ?? []
        #expect(status == 200 && !moments.isEmpty)
        for moment in moments {
            let preview = try #require(moment["preview"]?.string, "\(moment)")
            #expect(try await picture(web, preview) != nil, "\(preview)")
        }

        for wanted in [
            #"{"event": "\#(event)"}"#, #"{"moment": {"stream": "s", "at": "\#(peak)"}, "limit": 3}"#,
            #"{"event": "\#(event)", "streams": ["s"], "frames": 4}"#,
        ] {
            let like = try await search(web, wanted)
            let first = like.answer["moments"]?.array?.first
            #expect((first?["score"]?.double ?? 0) > 0.9999 && first?["peak"]?.string == peak, "\(wanted) \(like)")
        }
        let past = #"{"moment": {"stream": "s", "at": "2001-01-01T00:00:00Z"}}"#
        for (wanted, status, code) in [
            (#"{"event": "nosuchevent"}"#, 404, "not-found"), (past, 404, "not-found"),
            (#"{"event": "\#(event)", "text": "a cat"}"#, 422, "bad-argument"),
            (#"{"event": "\#(event)", "moment": {"stream": "s", "at": "\#(peak)"}}"#, 422, "bad-argument"),
            (#"{"event": "\#(event)", "head": "lstm"}"#, 404, "not-found"),
        ] {
            let refused = try await search(web, wanted)
            #expect(
                refused.status == status && refused.answer["error"]?["code"]?.string == code, "\(wanted) \(refused)")
        }
        for wanted in [#"{"moment": {"stream": "s"}}"#, #"{"moment": "s"}"#, #"{"event": "../x"}"#, #"{"event": 7}"#] {
            #expect(400...422 ~= (try await search(web, wanted).status), "\(wanted)")
        }

        #expect(try await web.curl("/api/v1/streams/s", ["-X", "DELETE"]).status == 200)
        let removed = try await web.json("/api/v1/history?stream=s", ["-X", "DELETE"])
        #expect((removed["pictures"]?.integer ?? 0) > 0, "\(removed)")
        let gone = try await web.curl(path)
        #expect(gone.status == 404 && gone.body.contains("the history has no picture of stream"))
        #expect(try await web.json("/api/v1/history")["bytes"]?.integer == 0)
        await web.stop()
    }

    @Test("a picture is asked for by a stream and a time, and nothing else is answered")
    func refused() async throws {
        let web = try await Web(["streams: []", "queries: []"])
        let time = "at=2026-11-30T12:00:00Z"
        for (query, status) in [
            ("", 400), ("?stream=s", 400), ("?\(time)", 400), ("?stream=s&at=yesterday", 422), ("?stream=s&at=", 422),
            ("?stream=&\(time)", 400), ("?stream=s&stream=t&\(time)", 400), ("?stream=s&\(time)&more=1", 400),
            ("?stream=\(String(repeating: "a", count: 161))&\(time)", 400), ("?stream=s&\(time)", 404),
            ("?stream=..%2F..%2Fjournal.sqlite&\(time)", 404), ("?stream=%2Fetc%2Fpasswd&\(time)", 404),
            ("?stream=s%00&\(time)", 404), ("?stream=.&\(time)", 404), ("?stream=s/../t&\(time)", 404),
            ("?stream=s&at=0001-01-01T00:00:00Z", 404), ("?stream=s&at=9999-12-31T23:59:59Z", 404),
        ] {
            let answer = try await web.curl("/api/v1/history/picture" + query)
            #expect(answer.status == status && answer.body.contains("\"message\""), "\(query) \(answer)")
        }
        #expect(try await web.curl("/api/v1/history/picture?stream=s&\(time)", ["-X", "POST"]).status == 405)
        await web.stop()
    }

    @Test("pictures can be turned off alone, by stream, and with the history")
    func off() async throws {
        for (lines, stream) in [
            (["history: {pictures: false}"], "{name: s, uri: \"shapes://7\"}"),
            ([], "{name: s, uri: \"shapes://7\", snapshots: false}"),
        ] {
            let web = try await Web(
                lines + ["streams:", "- " + stream, "queries:", "- {id: q, text: something appears, threshold: 0.161}"])
            #expect(
                try await until {
                    let (_, found) = try await search(web, #"{"text": "something appears"}"#)
                    let moments = found["moments"]?.array ?? []
                    return !moments.isEmpty && moments.allSatisfy { $0["preview"] == nil }
                })
            #expect(try await web.json("/api/v1/history")["pictures"]?.integer == 0)
            await web.stop()
        }
        let web = try await Web(["history: off"] + Self.scene)
        let answer = try await web.curl("/api/v1/history/picture?stream=s&at=2026-11-30T12:00:00Z")
        #expect(answer.status == 404 && answer.body.contains("no history is kept"))
        await web.stop()
    }
}
