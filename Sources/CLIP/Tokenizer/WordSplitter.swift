/// Splits cleaned text into what BPE sees as words, as CLIP's regular expression does, by code point.
///
/// `<|startoftext|>|<|endoftext|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`, ignoring case.
enum WordSplitter {
    private enum Kind { case space, letter, number, other }

    private static let specials = ["<|startoftext|>", "<|endoftext|>"].map { Array($0.unicodeScalars) }
    private static let contractions = ["'s", "'\u{17F}", "'t", "'re", "'ve", "'m", "'ll", "'d"].map {
        Array($0.unicodeScalars)
    }

    static func words(_ text: String) -> [[Unicode.Scalar]] {
        let scalars = Array(text.unicodeScalars)
        var words: [[Unicode.Scalar]] = []
        var i = 0
        while i < scalars.count {
            let rest = scalars[i...]
            if let fixed = (specials + contractions).first(where: { rest.starts(with: $0) }) {
                words.append(fixed)
                i += fixed.count
                continue
            }
            let kind = kind(scalars[i])
            var end = i + 1
            if kind == .letter || kind == .other {
                while end < scalars.count, self.kind(scalars[end]) == kind { end += 1 }
            }
            if kind != .space { words.append(Array(scalars[i..<end])) }
            i = end
        }
        return words
    }

    private static func kind(_ scalar: Unicode.Scalar) -> Kind {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
        case .decimalNumber, .letterNumber, .otherNumber: .number
        default: scalar.properties.isWhitespace ? .space : .other
        }
    }
}
