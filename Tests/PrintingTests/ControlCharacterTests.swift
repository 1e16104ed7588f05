import Foundation
import Printing
import Testing

@Suite("Text for a terminal")
struct ControlCharacterTests {
    private static let hostile = [
        ("a\u{1B}[2Jb", "a\\u{1B}[2Jb"), ("a\nb", "a\\nb"), ("a\r\nb", "a\\r\\nb"), ("\u{7F}", "\\u{7F}"),
        ("\u{9B}31m", "\\u{009B}31m"), ("a\u{202E}b", "a\\u{202E}b"), ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
        ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"), ("pay\u{200B}pal", "pay\\u{200B}pal"),
        ("\u{FEFF}x", "\\u{FEFF}x"), ("e\u{0301}\u{1B}", "e\u{0301}\\u{1B}"), ("\u{E0041}", "\\u{000E0041}"),
        ("\u{3164}", "\\u{3164}"), ("\u{0}", "\\0"), ("\u{85}", "\\u{0085}"), ("\u{61C}", "\\u{061C}"),
    ]

    @Test("characters that steer a terminal, reorder its text or hide in it are escaped", arguments: hostile)
    func escapes(_ text: String, _ shown: String) { #expect(ControlCharacters.escaped(text) == shown) }

    @Test(
        "writing of people stays as it is",
        arguments: ["a van", "一辆 BMW", "naïve", "سيارة", "❤️", "🇩🇪", "a\u{5C}nb", "٠\u{600}"])
    func keepsWriting(_ text: String) { #expect(ControlCharacters.escaped(text) == text) }

    @Test("JSON keeps its meaning, and has no such character raw", arguments: hostile)
    func escapesJSON(_ text: String, _: String) throws {
        let raw = try JSONEncoder().encode(["text": text, "emoji": "❤️一"])
        let shown = ControlCharacters.escaped(json: raw)
        #expect(try JSONDecoder().decode([String: String].self, from: shown) == ["text": text, "emoji": "❤️一"])
        let text = String(decoding: shown, as: UTF8.self)
        #expect(!text.unicodeScalars.contains(where: ControlCharacters.isUnsafe), "\(text.debugDescription)")
    }

    @Test("what is put into styled text is escaped, its own colours are not")
    func styles() {
        let name = "\u{1B}]0;title\u{7}"
        let line: Styled = "\(Styled(name, colour: 31)) and \(name)"
        #expect(line.text == "\u{1B}[31m\\u{1B}]0;title\\u{07}\u{1B}[0m and \\u{1B}]0;title\\u{07}")
        #expect(Styled(name, colour: nil).text == "\\u{1B}]0;title\\u{07}")
    }
}
