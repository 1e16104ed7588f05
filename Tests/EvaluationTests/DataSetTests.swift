import Evaluation
import Foundation
import TestSupport
import Testing

private struct Expected: Decodable {
    struct MSRVTT: Decodable {
        let train_unfolded, test: [[String]]
    }
    struct MSVD: Decodable {
        let pairs: [[String]]
        let cut_off_points: [Int]
        let videos: [String: String]
    }
    struct Paragraph: Decodable {
        let id: String?
        let video, caption: String
        let start, end: Double
    }
    struct All: Decodable {
        let msrvtt: MSRVTT
        let msvd: [String: MSVD]
        let lsmdc: [String: [[String]]]
        let activitynet, didemo: [String: [Paragraph]]
    }
    let expected: All
}

@Suite("Data sets")
struct DataSetTests {
    private let folder = Fixtures.reference.appending(path: "datasets")

    private func expected() throws -> Expected.All {
        try Fixtures.json(Expected.self, folder.appending(path: "expected.json")).expected
    }

    private func pairs(_ set: RetrievalSet) -> [[String]] { set.items.map { [set.clips[$0.clip].id, $0.caption] } }

    /// Makes a folder of empty files in place of videos.
    private func videos(_ names: [String]) throws -> URL {
        let url = FileManager.default.temporaryDirectory.appending(path: "watchword-videos-\(UUID())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for name in names { try Data().write(to: url.appending(path: name)) }
        return url
    }

    @Test("MSR-VTT: pairs of the 1k-A test list and of the 9k training list, and what is missing")
    func msrvtt() throws {
        let golden = try expected().msrvtt
        let data = folder.appending(path: "msrvtt")
        let all = try videos((0..<7).map { "video\($0).mp4" } + ["video7.webm"])
        defer { try? FileManager.default.removeItem(at: all) }
        let test = try Benchmark.msrvtt.read(data, videos: all, split: "1k-A")
        #expect(pairs(test) == golden.test)
        #expect(test.missing.isEmpty && test.pairing == .oneToOne)
        #expect(test.clips[1].path.hasSuffix("video7.webm"))
        #expect(try pairs(Benchmark.msrvtt.read(data, videos: all, split: "9k")) == golden.train_unfolded)
        let none = try videos(["video7.mp4"])
        defer { try? FileManager.default.removeItem(at: none) }
        let rest = try Benchmark.msrvtt.read(data, videos: none, split: "1k-A")
        #expect(pairs(rest) == [golden.test[1]])
        #expect(rest.missing.map(\.video) == ["video6"])
        #expect(throws: DataSetError.self) { try Benchmark.msrvtt.read(data, videos: all, split: "7k") }
    }

    @Test("MSVD: every caption of every video of the list", arguments: ["train", "val", "test"])
    func msvd(_ split: String) throws {
        let golden = try #require(try expected().msvd[split])
        let data = folder.appending(path: "msvd")
        let set = try Benchmark.msvd.read(data, videos: data.appending(path: "MSVD_Videos"), split: split)
        #expect(pairs(set) == golden.pairs)
        #expect(set.pairing == .multiSentence)
        let ends = set.clips.indices.map { clip in set.items.count { $0.clip <= clip } }
        #expect(ends == golden.cut_off_points)
        for clip in set.clips { #expect(golden.videos[clip.id].map(clip.path.hasSuffix) == true) }
    }

    @Test("LSMDC: rows in order, repeated ids kept, rows without a file listed", arguments: ["train", "val", "test"])
    func lsmdc(_ split: String) throws {
        let data = folder.appending(path: "lsmdc")
        let set = try Benchmark.lsmdc.read(data, videos: data.appending(path: "videos"), split: split)
        #expect(pairs(set) == (try expected().lsmdc[split]))
        #expect(set.clips.count == set.items.count)
        let absent = split == "train" ? ["0001_American_Beauty_00.00.02.014-00.00.05.018"] : []
        #expect(set.missing.map(\.video) == absent)
    }

    @Test("ActivityNet: paragraphs, over the whole video", arguments: ["train", "val"])
    func activityNet(_ split: String) throws {
        let golden = try #require(try expected().activitynet[split])
        let data = folder.appending(path: "activitynet")
        let set = try Benchmark.activitynet.read(data, videos: data.appending(path: "Activity_Videos"), split: split)
        #expect(pairs(set) == golden.map { [$0.id ?? "", $0.caption] })
        #expect(set.clips.map(\.start) == golden.map(\.start) && set.clips.map(\.end) == golden.map(\.end))
        #expect(set.missing.map(\.video) == (split == "train" ? ["v_bbb"] : []))
    }

    @Test("DiDeMo: descriptions as paragraphs, 31 seconds", arguments: ["train", "val", "test"])
    func didemo(_ split: String) throws {
        let golden = try #require(try expected().didemo[split])
        let data = folder.appending(path: "didemo")
        let set = try Benchmark.didemo.read(data, videos: data.appending(path: "DiDeMo_Videos"), split: split)
        #expect(pairs(set) == golden.map { [$0.video, $0.caption] })
        #expect(set.clips.map(\.start) == golden.map(\.start) && set.clips.map(\.end) == golden.map(\.end))
        #expect(set.missing.map(\.video) == (split == "train" ? ["11@N00_1_1001.mov"] : []))
    }

    @Test("a name that two videos have is refused by a sentence with both, where it is asked for")
    func ambiguous() throws {
        let data = folder.appending(path: "didemo")
        let all = try videos([])
        defer { try? FileManager.default.removeItem(at: all) }
        for folder in ["a", "b", "c"] {
            try FileManager.default.createDirectory(
                at: all.appending(path: folder), withIntermediateDirectories: true)
        }
        let id = try #require(try expected().didemo["test"]?.first?.video)
        let stem = URL(filePath: id).deletingPathExtension().lastPathComponent
        // What nobody asks for may be there twice, and so may the same file and what is no video.
        for name in ["a/other.mp4", "b/other.mp4", "a/\(stem).mp4", "a/\(stem).srt"] {
            try Data().write(to: all.appending(path: name))
        }
        try FileManager.default.createSymbolicLink(
            at: all.appending(path: "b/\(stem).mp4"), withDestinationURL: all.appending(path: "a/\(stem).mp4"))
        let set = try Benchmark.didemo.read(data, videos: all, split: "test")
        let path = try #require(set.clips.first(where: { $0.id == id })?.path)
        #expect(path.hasSuffix("/\(stem).mp4"))
        try Data().write(to: all.appending(path: "c/\(stem).avi"))
        let error = #expect(throws: DataSetError.self) { try Benchmark.didemo.read(data, videos: all, split: "test") }
        let sentence = error?.description ?? ""
        #expect(sentence.contains("/a/\(stem).mp4 and ") && sentence.contains("/c/\(stem).avi"), "\(sentence)")
    }

    @Test("a manifest's lines become clips, with several sentences where there are several")
    func manifest() throws {
        let home = try videos(["a.mp4", "b.mp4"])
        defer { try? FileManager.default.removeItem(at: home) }
        let file = home.appending(path: "manifest.jsonl")
        try """
        {"video":"a.mp4","start":0,"end":2,"caption":"one"}
        {"video":"b.mp4","caption":"two"}

        {"video":"c.mp4","caption":"three"}
        {"video":"a.mp4","start":0,"end":2,"caption":"four","more":1}
        """.write(to: file, atomically: true, encoding: .utf8)
        let set = try Manifest.read(file)
        #expect(pairs(set) == [["a.mp4", "one"], ["a.mp4", "four"], ["b.mp4", "two"]])
        #expect(set.clips.count == 2 && set.pairing == .multiSentence)
        #expect(set.missing.map(\.video) == ["c.mp4"])
        let rest = set.without([0: "it cannot be decoded"])
        #expect(pairs(rest) == [["b.mp4", "two"]])
        #expect(rest.missing.map(\.video) == ["c.mp4", "a.mp4"])
    }

    @Test(
        "a bad line is one sentence with its number",
        arguments: [
            ("{\"video\":\"a.mp4\",\"caption\":\" \"}", "the caption is empty"),
            ("{\"video\":\"a.mp4\"}", "\"caption\" is missing"), ("nonsense", "JSON"),
            ("{\"video\":\"a.mp4\",\"caption\":\"x\",\"start\":3,\"end\":1}", "before"),
        ])
    func badLines(_ line: String, _ why: String) throws {
        let home = try videos(["a.mp4"])
        defer { try? FileManager.default.removeItem(at: home) }
        let file = home.appending(path: "manifest.jsonl")
        try ("{\"video\":\"a.mp4\",\"caption\":\"fine\"}\n" + line).write(to: file, atomically: true, encoding: .utf8)
        let error = #expect(throws: DataSetError.self) { try Manifest.read(file) }
        #expect(error?.line == 2)
        #expect(error?.description.contains(why) == true, "\(error?.description ?? "")")
    }

    @Test("a pickle that is cut short, or that would run something, is refused")
    func badPickles() throws {
        let home = try videos(["k1_0_4.avi"])
        defer { try? FileManager.default.removeItem(at: home) }
        try "k1_0_4".write(to: home.appending(path: "test_list.txt"), atomically: true, encoding: .utf8)
        let good = [UInt8](try Data(contentsOf: folder.appending(path: "msvd/raw-captions.pkl")))
        let pickle = home.appending(path: "raw-captions.pkl")
        let program: [UInt8] = [UInt8]("cos\nsystem\n(S'true'\ntR.".utf8)
        for bytes in [program, []] + (1..<20).map({ Array(good.prefix(good.count * $0 / 20)) }) {
            try Data(bytes).write(to: pickle)
            #expect(throws: DataSetError.self) { try Benchmark.msvd.read(home, videos: home, split: "test") }
        }
        // As Python 2 wrote it: protocol 0.
        try Data("(dp0\nS'k1_0_4'\np1\n(lp2\n(lp3\nS'a'\np4\naS'band'\np5\naa(lp6\ng4\naVdog\np7\naas.".utf8).write(
            to: pickle)
        let set = try Benchmark.msvd.read(home, videos: home, split: "test")
        #expect(set.items.map(\.caption) == ["a band", "a dog"])
    }
}
