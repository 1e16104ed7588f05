import Foundation
import Testing
import WebAPI

@Suite("Clips over HTTP")
struct ClipTests {
    @Test(
        "a range is read as RFC 9110 has it, and what is not understood asks for the whole",
        arguments: [
            (nil, .whole), ("bytes=0-", .part(0..<100)), ("bytes=10-19", .part(10..<20)),
            ("bytes=90-500", .part(90..<100)), ("bytes=-5", .part(95..<100)), ("bytes=-500", .part(0..<100)),
            ("BYTES=0-0", .part(0..<1)), ("bytes=100-", .unsatisfiable), ("bytes=-0", .unsatisfiable),
            ("bytes=5-4", .whole), ("bytes=0-1,5-6", .whole), ("bytes=-", .whole), ("bytes=a-b", .whole),
            ("lines=0-1", .whole), ("bytes=99999999999999999999-", .whole),
        ] as [(String?, ByteRange)])
    func range(field: String?, range: ByteRange) { #expect(ByteRange(field, size: 100) == range) }

    @Test("a clip is served whole and in parts, and refused where there is none")
    func served() async throws {
        let web = try await Web(["clips: on"])
        let clips = web.folder.appending(path: "journal.sqlite.d/clips")
        let text = String((0..<1000).map { Character(UnicodeScalar(UInt8(97 + $0 % 26))) })
        try Data(text.utf8).write(to: clips.appending(path: "E1.mp4"))
        let path = "/api/v1/events/E1/clip"
        let whole = try await web.curl(path)
        #expect(whole.status == 200 && whole.body == text)
        #expect(whole.headers.lowercased().contains("content-type: video/mp4"))
        #expect(whole.headers.lowercased().contains("accept-ranges: bytes"))
        let part = try await web.curl(path, ["-r", "10-19"])
        #expect(part.status == 206 && part.body == String(text.dropFirst(10).prefix(10)))
        #expect(part.headers.lowercased().contains("content-range: bytes 10-19/1000"))
        #expect(try await web.curl(path, ["-r", "-3"]).body == String(text.suffix(3)))
        let beyond = try await web.curl(path, ["-r", "1000-"])
        #expect(beyond.status == 416 && beyond.headers.lowercased().contains("content-range: bytes */1000"))
        let other = try await web.curl(path, ["-r", "10-19", "-H", "If-Range: \"another\""])
        #expect(other.status == 200 && other.body == text)
        let head = try await web.curl(path, ["-I"])
        #expect(head.status == 200 && head.headers.lowercased().contains("content-length: 1000") && head.body.isEmpty)
        #expect(whole.headers.lowercased().contains("clip-files: 1"))
        try Data("second".utf8).write(to: clips.appending(path: "E1.2.mp4"))
        let second = try await web.curl(path + "?file=2")
        #expect(second.body == "second" && second.headers.lowercased().contains("clip-files: 2"))
        #expect(try await web.curl(path + "?file=2", ["-r", "2-3"]).body == "co")
        #expect(try await web.curl(path + "?file=3").status == 404)
        for wrong in ["file=0", "file=17", "file=a", "part=1"] {
            #expect(try await web.curl("\(path)?\(wrong)").status == 400)
        }
        #expect(try await web.curl("/api/v1/events/E2/clip").status == 404)
        #expect(try await web.curl("/api/v1/events/..%2fE1/clip").status == 400)
        await web.stop()
    }

    @Test("without the section there are none, and it is said")
    func none() async throws {
        let web = try await Web()
        let answer = try await web.curl("/api/v1/events/E1/clip")
        #expect(answer.status == 404 && answer.body.contains("no clips are kept"))
        await web.stop()
    }
}
