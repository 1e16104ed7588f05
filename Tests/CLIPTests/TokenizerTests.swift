import CLIP
import Foundation
import TestSupport
import Testing

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
