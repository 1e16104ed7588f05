/// Splits a cleaned text into words, the units of CLIP's byte-pair encoding.
///
/// Source: CLIP `SimpleTokenizer.pat`, whose alternatives are tried in order, ignoring case: `<|startoftext|>`,
/// `<|endoftext|>`, `'s 't 're 've 'm 'll 'd`, `\p{L}+`, `\p{N}`, `[^\s\p{L}\p{N}]+`.
enum WordSplitter {
    static let start = Array("<|startoftext|>".unicodeScalars)
    static let end = Array("<|endoftext|>".unicodeScalars)
    private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map { Array($0.unicodeScalars) }

    /// Returns the words of a lower-case text as ranges of its scalars.
    static func words(of text: [Unicode.Scalar]) -> [Range<Int>] {
        var words: [Range<Int>] = []
        var i = 0
        while i < text.count {
            let first = i
            switch kind(of: text[i]) {
            case .space:
                i += 1
                continue
            case .letter: i = run(of: .letter, in: text, from: i)
            case .number: i += 1
            case .other: i = literal(in: text, at: i) ?? run(of: .other, in: text, from: i)
            }
            words.append(first..<i)
        }
        return words
    }

    private enum Kind { case space, letter, number, other }

    private static func kind(of scalar: Unicode.Scalar) -> Kind {
        switch scalar {
        case "a"..."z": return .letter
        case "0"..."9": return .number
        case " ": return .space
        // A combining mark whose capital is the letter iota: ignoring case, no class of the pattern contains it.
        case "\u{345}": return .space
        default: break
        }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return .letter
        case .decimalNumber, .letterNumber, .otherNumber: return .number
        default: return scalar.properties.isWhitespace ? .space : .other
        }
    }

    private static func run(of wanted: Kind, in text: [Unicode.Scalar], from start: Int) -> Int {
        var i = start + 1
        while i < text.count, kind(of: text[i]) == wanted { i += 1 }
        return i
    }

    /// Returns the index after the special token or contraction that starts at index `i`; nil if none starts there.
    private static func literal(in text: [Unicode.Scalar], at i: Int) -> Int? {
        let candidates: [[Unicode.Scalar]]
        switch text[i] {
        case "<": candidates = [start, end]
        case "'": candidates = contractions
        default: return nil
        }
        // Ignoring case, ſ equals s; it is the only scalar that case folding changes and lowercasing does not.
        return candidates.first { candidate in
            text.count - i >= candidate.count
                && zip(candidate, text[i...]).allSatisfy { $0 == $1 || $0 == "s" && $1 == "\u{17F}" }
        }.map { i + $0.count }
    }
}
