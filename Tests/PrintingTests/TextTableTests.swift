import Printing
import Testing

@Suite("Tables")
struct TextTableTests {
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
