import Foundation
import Matching
import TestSupport
import Testing
import WatchwordConfiguration
import WireFormat

@Suite("Files and values that look like others")
struct TextInputTests {
    @Test(
        "moments that no calendar or clock has are refused",
        arguments: [
            "2030-02-31T00:00:00Z", "2030-02-29T00:00:00Z", "2030-04-31T00:00:00Z", "2030-13-01T00:00:00Z",
            "2030-00-10T00:00:00Z", "2030-01-00T00:00:00Z", "2030-01-32T00:00:00Z", "2030-01-01T24:00:00Z",
            "2030-01-01T23:60:00Z", "2030-01-01T23:00:60Z", "2030-01-01T23:00:00+15:00", "2030-01-01T23:00:00+01:60",
            "2030-1-1T00:00:00Z", "2030-01-01 00:00:00Z", "2030-01-01T00:00:00", "2030-01-01T00:00:00Zx",
            "2100-02-29T00:00:00Z", "0000-01-01T00:00:00Z", "99999-01-01T00:00:00Z", "tomorrow", "",
        ])
    func noMoment(_ text: String) { #expect(Moment(text) == nil) }

    @Test(
        "moments that there are are read",
        arguments: [
            ("2032-02-29T23:59:59Z", 1_961_711_999.0), ("2000-02-29T00:00:00Z", 951_782_400),
            ("2030-01-31T19:00:00+01:00", 1_896_112_800), ("2030-01-31T19:00:00.5+01:00", 1_896_112_800.5),
            ("2030-01-31T13:00:00-05:00", 1_896_112_800),
        ])
    func moments(_ text: String, _ seconds: Double) { #expect(Moment(text)?.secondsSince1970 == seconds) }

    private func load(_ data: Data) throws -> Configuration {
        let file = FileManager.default.temporaryDirectory.appending(path: "w-\(UUID().uuidString).yaml")
        try data.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try Configuration.load(file.path)
    }

    @Test("a byte order mark of UTF-8 is no part of the text; other encodings are refused by a sentence")
    func byteOrderMark() throws {
        let yaml = "frames: 7\nqueries:\n- {id: c, text: a circle}\n"
        let mark = Data([0xEF, 0xBB, 0xBF])
        #expect(try load(mark + Data(yaml.utf8)).frames == 7)
        let folder = FileManager.default.temporaryDirectory
        for text in ["- a circle\n", "{\"text\":\"a circle\"}\n", "{\"text\":\"a circle\"}\n{\"text\":\"b\"}"] {
            let read = try QueryConfiguration.read(mark + Data(text.utf8), path: "q", folder: folder)
            #expect(read.first?.text == "a circle")
        }
        for encoding in [String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian, .utf32, .isoLatin1] {
            let data = try #require((yaml + "# für").data(using: encoding))
            #expect { try load(data) } throws: { "\($0)".contains("expected text in UTF-8, found") }
            #expect { try QueryConfiguration.read(data, path: "q", folder: folder) } throws: {
                "\($0)".hasPrefix("q: expected text in UTF-8")
            }
        }
    }

    @Test(
        "days are read in any case, whole or short, alone, in runs and in lists",
        arguments: [
            ("Mon-Fri", 5), ("mon-fri", 5), ("MON", 1), ("Monday-Friday", 5), ("Sat,Sun", 2), ("fri-mon", 4),
            ("mon - wed, Sunday", 4), ("[Mon-Tue, thu]", 3),
        ])
    func days(_ days: String, _ count: Int) throws {
        let list = days.hasPrefix("[") ? days : "\"\(days)\""
        let yaml = "- text: a\n  threshold: 1\n  active: {zone: UTC, days: \(list)}\n"
        let query = try #require(
            try QueryConfiguration.read(Data(yaml.utf8), path: "q", folder: FileManager.default.temporaryDirectory)
                .first)
        let standing = try query.standing(
            id: "q", head: "mean", scores: .cosines, frames: 1, rule: .score(1), prompts: [])
        #expect(standing.settings.activeHours.rules.first?.days.count == count)
    }

    @Test(
        "days that are none are refused", arguments: ["Mo", "mon-", "-fri", "mon-fri-sun", "mon,,tue", "", "weekdays"])
    func noDays(_ days: String) {
        let yaml = "- text: a\n  active: {zone: UTC, days: \"\(days)\"}\n"
        #expect {
            try QueryConfiguration.read(Data(yaml.utf8), path: "q", folder: FileManager.default.temporaryDirectory)
        } throws: { "\($0)".contains("is none of mon") }
    }

    @Test(
        "a section that turns something on by being there is not left empty",
        arguments: [
            ("http:\nframes: 3", "w:1: http: expected keys and values; write \"http: {}\""),
            ("frames: 3\ncurve:\n", "w:2: curve: expected keys and values; write \"curve: {}\""),
            ("http:\n  listen: 127.0.0.1:0\n  token:\n", "w:3: token: expected a file"),
        ])
    func empty(_ yaml: String, _ part: String) throws {
        #expect { try Configuration(yaml: yaml, path: "w") } throws: { "\($0)".hasPrefix(part) }
        #expect(try Configuration(yaml: "http: {}\nbatch:\nlog:\nstreams:\n", path: "w").http == HTTPConfiguration())
    }
}
