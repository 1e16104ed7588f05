import CLIP
import Foundation
import TestSupport
import Testing
import Tokenizers

@Suite("Tokenizer")
struct TokenizerTests {
    @Test("the built-in vocabulary is CLIP's")
    func builtIn() throws {
        let tokenizer = try Tokenizer.builtIn()
        #expect((tokenizer.startToken, tokenizer.endToken, tokenizer.vocabularySize) == (49406, 49407, 49408))
    }

    @Test("a limit keeps the start and end tokens and says whether it cut")
    func limits() throws {
        let tokenizer = try Tokenizer.builtIn()
        let whole = tokenizer.encode("a man is talking")
        #expect(whole == [320, 786, 533, 2578])
        for limit in 2...8 {
            let (ids, truncated) = tokenizer.tokens("a man is talking", limit: limit)
            #expect(ids == [49406] + whole.prefix(limit - 2) + [49407])
            #expect(truncated == (limit < 6))
        }
        let empty = tokenizer.tokens(" \n", limit: 32)
        #expect(empty.ids == [49406, 49407] && !empty.truncated)
    }

    @Test("a limit without room for the start and end tokens is a programming error")
    func limitTooSmall() async {
        await #expect(processExitsWith: .failure) { _ = try Tokenizer.builtIn().tokens("a", limit: 1) }
    }

    /// The expected ids are from ftfy 6.3.1 under Python 3.11 (`unicodedata`), with CLIP's vocabulary.
    @Test("composition knows scalars beyond 16 bits")
    func supplementaryPlanes() throws {
        #expect(try Tokenizer.builtIn().encode("\u{20041}\u{301}") == [172, 254, 223, 479, 136, 479])
    }

    /// The cases are Unicode 15.0's NormalizationTest.txt and additions of 16.0: `Tests/Fixtures/unicode/make.py`.
    @Test("composed strings and their parts have the same tokens, by Unicode's own file")
    func normalisation() throws {
        let tokenizer = try Tokenizer.builtIn()
        let file = Fixtures.repository.appending(path: "Tests/Fixtures/unicode/normalisation.txt")
        func string(_ codes: Substring) -> String {
            var text = String.UnicodeScalarView()
            for code in codes.split(separator: " ") {
                text.append(UInt32(code, radix: 16).flatMap(Unicode.Scalar.init) ?? "?")
            }
            return String(text)
        }
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        #expect(lines.count > 15_000)
        let wrong = lines.filter { line in
            let parts = line.split(separator: ";")
            return tokenizer.encode(string(parts[0])) != tokenizer.encode(string(parts[1]))
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(5))")
    }

    @Test("a special token written out is that token, in any case")
    func specialTokens() throws {
        let tokenizer = try Tokenizer.builtIn()
        #expect(tokenizer.encode("<|startoftext|>a<|EndOfText|>") == [49406, 320, 49407])
    }

    @Test("canonically equal spellings that normalisation keeps apart stay apart")
    func distinguishesBytes() throws {
        let tokenizer = try Tokenizer.builtIn()
        // The angstrom sign composes to Å, so both are one; the ligature ﬀ is letters, but the letter ß is not ss.
        #expect(tokenizer.encode("\u{212B}") == tokenizer.encode("A\u{30A}"))
        #expect(tokenizer.encode("ß") != tokenizer.encode("ss"))
    }

    @Test(
        "a long text's work grows as its length, whatever it is of: a hundred thousand characters come to an end",
        .timeLimit(.minutes(5)),
        arguments: [
            "a", "ab", "aab", "hello", "!", "'", "\u{3A3}", "\u{301}", "\u{345}\u{3A3}", "&amp;", "&amp;amp;", "&",
            "&#", "<|", "\u{1B}[", "\u{1F600}", "1", " x", "\u{FF21}", "\u{C3}\u{A9}", "\u{E2}\u{20AC}",
        ])
    func longTexts(unit: String) throws {
        let tokenizer = try Tokenizer.builtIn()
        let text = String(String(repeating: unit, count: 100_000 / unit.unicodeScalars.count))
        #expect(tokenizer.tokens(text, limit: 77).ids.count <= 77)
    }
}
