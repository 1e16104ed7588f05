import Foundation
import Heads
import TestSupport
import Testing

@Suite("A head written in C")
struct ForeignHeadTests {
    @Test("loads, says what it is, and pools")
    func works() throws {
        let heads = try ForeignHeads()
        #expect(heads.finder.names == ["last"])
        let library = try heads.finder.load("last")
        #expect(library.version == "0.1" && library.description == "the last frame" && !library.pairs)
        let head = try Head(library, width: 2, maxFrames: 3, weights: [:])
        let frames: [Float] = [1, 0, 3, 4, .nan, .nan, 0, 2, .nan, 0, 0, .nan]
        #expect(try head.pool(frames, valid: [2, 1], frames: 3) == [0.6, 0.8, 0, 1])
    }

    @Test(
        "is refused with a sentence if its descriptor is wrong",
        arguments: [
            ("MAJOR=2u", "was built for ABI 2, this Watchword has ABI 1: rebuild the plugin"),
            ("ENTRY=some_other_entry", "is not a head plugin: it exports no watchword_head_entry"),
            ("MAGIC=0x12345678u", "is not a head plugin: its descriptor has no magic number"),
            ("SIZE=16u", "is not a head plugin: its descriptor has 16 bytes"),
            ("NAME=\"first\"", "is not a head plugin: it calls itself \"first\", not \"last\""),
            ("POOL=NULL", "is not a head plugin: it neither pools nor pairs"),
        ])
    func refused(_ macro: String, _ sentence: String) throws {
        let heads = try ForeignHeads(macro)
        #expect { try heads.finder.load("last") } throws: { "\($0)".contains(sentence) }
    }

    @Test("is told on with its own words if it refuses")
    func refuses() throws {
        let sulking = try ForeignHeads("SULKS")
        let library = try sulking.finder.load("last")
        #expect {
            try Head(library, width: 2, maxFrames: 3, weights: [:])
        } throws: {
            "\($0)" == "head \"last\": create failed: no weight called \"mood\""
        }
        let tired = try ForeignHeads("TIRES")
        let head = try Head(tired.finder.load("last"), width: 2, maxFrames: 3, weights: [:])
        #expect {
            try head.pool([1, 2], valid: [1], frames: 1)
        } throws: {
            "\($0)" == "head \"last\": pool failed: tired of 1 frames"
        }
    }

    @Test(
        "a clip embedding that is no vector of length 1 is refused, not scored",
        arguments: [("LENGTH=2.0f", "2.0"), ("LENGTH=0.0f", "0.0"), ("LENGTH=NAN", "nan"), ("LENGTH=INFINITY", "inf")])
    func results(_ macro: String, _ length: String) throws {
        let heads = try ForeignHeads(macro)
        let head = try Head(heads.finder.load("last"), width: 2, maxFrames: 3, weights: [:])
        #expect {
            try head.pool([3, 4, 3, 4], valid: [1, 1], frames: 1)
        } throws: {
            "\($0)" == "head \"last\": pool failed: it gave window 0 a clip embedding of length \(length), not 1"
        }
    }

    @Test("two files that claim one name are refused with both paths; of two directories the first wins")
    func duplicates() throws {
        let heads = try ForeignHeads()
        try heads.add("newest")
        #expect {
            try heads.finder.load("newest")
        } throws: {
            "\($0)" == "head plugin \(heads.path("newest")) calls itself \"last\", which is the name of "
                + "\(heads.path("last")): remove one of them"
        }
        #expect(try heads.finder.load("last").path == heads.path("last"))
        let others = try ForeignHeads()
        let finder = HeadFinder(directories: [others.folder.path, heads.folder.path, others.folder.path + "/."])
        #expect(finder.names == ["last", "newest"])
        #expect(
            finder.files == [
                HeadFile(name: "last", path: others.path("last"), shadowedBy: nil),
                HeadFile(name: "last", path: heads.path("last"), shadowedBy: others.path("last")),
                HeadFile(name: "newest", path: heads.path("newest"), shadowedBy: nil),
            ])
        #expect(try finder.load("last").path == others.path("last"))
    }

    @Test("a file that is no library is refused")
    func noLibrary() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "watchword-head-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("hello".utf8).write(to: folder.appending(path: "libwatchword-head-last.so"))
        #expect { try HeadFinder(directories: [folder.path]).load("last") } throws: {
            "\($0)".contains("cannot be opened")
        }
    }
}
