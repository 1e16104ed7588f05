import Printing
import Testing

@Suite("Tables for people")
struct TextTableTests {
    @Test("no line is wider than the terminal, and nothing is cut off", arguments: [20, 40, 79, 80, 200])
    func fits(_ width: Int) {
        let rows = [
            ["front", "playing", "12", "rtsp://10.0.0.7:554/h264Preview_01_main?channel=1&subtype=0&unicast=true", ""],
            ["一辆红色的 BMW 停在大门口", "backing-off", "0", "rtsp://camera.invalid/x", "the name cannot be resolved"],
            ["e\u{0301}❤️🇩🇪", "failed", "123456789", "x", String(repeating: "字", count: 90)],
        ]
        let table = TextTable.lines(["NAME", "STATE", "COUNT", "URI", "REASON"], rows, width: width)
        let lines = table.header + table.rows
        for line in lines { #expect(DisplayWidth.of(line) <= width, "\(line)") }
        func letters(_ text: some Sequence<Character>) -> [Character] { text.filter { $0 != " " }.sorted() }
        #expect(letters(lines.joined()) == letters((["NAMESTATECOUNTURIREASON"] + rows.flatMap(\.self)).joined()))
    }

    @Test("columns stand beneath each other, whatever is in them")
    func aligned() {
        let lines = TextTable.lines(["A", "B"], [["一二", "x"], ["ab\u{1B}", "y"]], width: 80)
        #expect(lines.header == ["A         B"])
        #expect(lines.rows == ["一二      x", "ab\\u{1B}  y"])
    }

    @Test(
        "a text is folded at its spaces, and a word that is too long anywhere",
        arguments: [
            ("one two three", 7, ["one two", "three"]), ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
            ("一二三", 3, ["一", "二", "三"]), ("one", 3, ["one"]), ("a,b,c,d", 4, ["a,b,", "c,d"]), ("", 3, [""]),
        ])
    func folds(_ text: String, _ columns: Int, _ lines: [String]) {
        #expect(TextTable.fold(text, columns: columns) == lines)
    }

    @Test("a word stays whole where the table can be as wide as its words")
    func words() {
        let rows = [["transformer", "text to video", "25.0 [100.0, 100.0]", "100.0 [100.0, 100.0]"]]
        let lines = TextTable.lines(["HEAD", "DIRECTION", "R@1", "R@5"], rows, width: 40)
        #expect(
            lines.rows == [
                "transformer  text to    25.0     100.0",
                "             video      [100.0,  [100.0,",
                "                        100.0]   100.0]",
            ])
        #expect(lines.header == ["HEAD         DIRECTION  R@1      R@5"])
    }

    @Test("where even the words are too wide, they are broken, and no line is wider than the table")
    func narrow() {
        let lines = TextTable.lines(["A", "B"], [["abcdefghij", "klmnopqrst"]], width: 12)
        #expect(lines.rows == ["abcde  klmno", "fghij  pqrst"])
    }
}
