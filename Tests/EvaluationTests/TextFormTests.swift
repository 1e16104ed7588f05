import Evaluation
import Foundation
import TestSupport
import Testing

/// Tests data sets with unusual texts that Python, csv and pickle accept.
@Suite("Texts of data sets")
struct TextFormTests {
    private func folder(_ files: [String: Data]) throws -> URL {
        let url = FileManager.default.temporaryDirectory.appending(path: "texts-\(UUID())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for (name, data) in files { try data.write(to: url.appending(path: name)) }
        return url
    }

    private func captions(_ files: [String: Data], _ benchmark: Benchmark, _ split: String) throws -> [String] {
        let folder = try folder(files)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try benchmark.read(folder, videos: folder, split: split).items.map(\.caption)
    }

    @Test("lines of a manifest end at LF, CR LF and CR only")
    func lines() throws {
        let texts = ["a red\u{2028}circle", "next\u{85}line", "form\u{B}feed", "plain"]
        let ends = ["\n", "\r\n", "\r", ""]
        let manifest = zip(texts, ends).map { "{\"video\": \"v.mp4\", \"caption\": \"\($0)\"}\($1)" }.joined()
            .replacing("\u{B}", with: "\\u000b")
        let folder = try folder(["m.jsonl": Data(manifest.utf8), "v.mp4": Data()])
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try Manifest.read(folder.appending(path: "m.jsonl")).items.map(\.caption) == texts)
    }

    @Test("cells begin with combining marks and joiners, which belong to no comma or quote")
    func commas() throws {
        let sentences = ["\u{FE0F}a heart", "\u{301}accent", "a \"quoted\u{301}\" word, twice", "two\r\nlines"]
        let rows = sentences.map { text in
            let isPlain = !text.contains(",") && !text.contains("\n")
            return "r,m,video0,"
                + (isPlain ? text : "\"" + text.unicodeScalars.map { $0 == "\"" ? "\"\"" : "\($0)" }.joined() + "\"")
        }
        let csv = (["key,vid_key,video_id,sentence"] + rows).joined(separator: "\r\n")
        let found = try captions(
            ["MSRVTT_JSFUSION_test.csv": Data(csv.utf8), "video0.mp4": Data()], .msrvtt, "1k-A")
        #expect(found.map { Array($0.utf8) } == sentences.map { Array($0.utf8) })
    }

    @Test("tables of ranks are read back as they were written")
    func written() throws {
        let texts = ["a,\u{301}b", "say \"\u{301}hi", "one\rtwo", "plain"]
        let table = RankTable.text(
            texts.map { RankTable.Query(direction: "text-to-video", query: $0, video: "video0", ranks: [0]) })
        let csv = table.replacing("direction,query,video,rank", with: "key,sentence,video_id,rank")
        let found = try captions(
            ["MSRVTT_JSFUSION_test.csv": Data(csv.utf8), "video0.mp4": Data()], .msrvtt, "1k-A")
        #expect(found.map { Array($0.utf8) } == texts.map { Array($0.utf8) })
    }

    /// The expected values are from Python 3.11's `pickle.loads` (`encoding="utf-8"` for Python 2's strings).
    @Test(
        "strings of pickles of protocol 0 and of Python 2 are unescaped",
        arguments: [
            ("Vcaf\u{E9}", "caf\u{E9}"), ("V\\u65e5\\u672c", "日本"), ("V\\U0001f600", "😀"),
            ("V\\\\u0041", "\\\\u0041"), ("V\\u005cn", "\\n"), ("S'caf\\xc3\\xa9'", "caf\u{E9}"),
            ("S'it\\'s'", "it's"), ("S\"it's\"", "it's"), ("S'a\\\\b'", "a\\b"), ("S'\\101\\tB'", "A\tB"),
            ("S'\\xe9t\\xe9'", "\u{E9}t\u{E9}"),
        ])
    func pickles(_ word: String, _ expected: String) throws {
        // Latin-1, as protocol 0 writes it.
        let program = "(dp0\nVk\n(lp1\n(lp2\n\(word)\naas."
        let bytes = Data(program.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
        let found = try captions(
            ["raw-captions.pkl": bytes, "test_list.txt": Data("k\n".utf8), "k.avi": Data()], .msvd, "test")
        #expect(found == [expected])
    }

    @Test("an escape that is cut short is refused", arguments: ["V\\u65", "S'\\x4'", "S'a\\'", "S'a", "S"])
    func brokenPickles(_ word: String) throws {
        let bytes = Data("(dVk\n(l(l\(word)\naas.".utf8)
        #expect(throws: DataSetError.self) {
            try captions(
                ["raw-captions.pkl": bytes, "test_list.txt": Data("k\n".utf8), "k.avi": Data()], .msvd, "test")
        }
    }

    @Test("videos are found through links, of the root and below it, and links in a circle end")
    func links() throws {
        let pickle = Data("(dVk\n(l(lVdog\naas.".utf8)
        let real = try folder(["k.avi": Data()])
        let data = try folder(["raw-captions.pkl": pickle, "test_list.txt": Data("k\n".utf8)])
        let links = FileManager.default.temporaryDirectory.appending(path: "link-\(UUID())")
        defer { for url in [real, data, links] { try? FileManager.default.removeItem(at: url) } }
        try FileManager.default.createSymbolicLink(at: links, withDestinationURL: real)
        #expect(try Benchmark.msvd.read(data, videos: links, split: "test").items.count == 1)
        try FileManager.default.createSymbolicLink(
            at: real.appending(path: "circle"), withDestinationURL: real)
        try FileManager.default.createSymbolicLink(at: data.appending(path: "videos"), withDestinationURL: real)
        #expect(try Benchmark.msvd.read(data, videos: data, split: "test").items.count == 1)
    }

    @Test(
        "DiDeMo's and ActivityNet's videos are found in another container", arguments: ["a.mp4", "a.mov.mp4", "a.mov"])
    func containers(_ name: String) throws {
        let moments = Data(#"[{"video": "a.mov", "description": "x"}]"#.utf8)
        let found = try captions(
            ["test_data.json": moments, "test_list.txt": Data("a.mov\n".utf8), name: Data()], .didemo, "test")
        #expect(found == ["x"])
        let videos = Data(#"{"v_q": {"duration": 3, "sentences": ["y"]}}"#.utf8)
        for file in ["q.mkv", "v_q.mp4"] {
            let ids = Data(#"["v_q"]"#.utf8)
            #expect(
                try captions(["val_ids.json": ids, "val_1.json": videos, file: Data()], .activitynet, "val") == ["y"])
        }
    }
}
