/// CLIP's tokenizer: byte-level byte-pair encoding.
///
/// It compares scalars and bytes, because Swift's `String` considers some different vocabulary entries equal. Source:
/// CLIP `simple_tokenizer.SimpleTokenizer`, as CLIP4Clip's data loaders use it.
struct CLIPTokens: TokenModel {
    let startToken: Int?
    let endToken: Int
    let vocabularySize: Int
    let padding: Int? = nil
    /// The token id of each byte value inside a word; `last` has the ids of bytes that end a word.
    private let inner: [UInt32]
    private let last: [UInt32]
    private let encoding: BytePairEncoding
    private let added: AddedTokens

    init(_ vocabulary: Vocabulary) {
        startToken = Int(vocabulary.start)
        endToken = Int(vocabulary.end)
        vocabularySize = vocabulary.size
        inner = vocabulary.inner
        last = vocabulary.last
        encoding = vocabulary.encoding
        added = AddedTokens(vocabulary.added)
    }

    func encode(_ text: String) -> [Int] {
        guard !added.isEmpty else { return encodePlain(text) }
        return added.split(text).flatMap { part in
            switch part {
            case .text(let text): encodePlain(text)
            case .token(let id): [Int(id)]
            }
        }
    }

    /// Returns the token ids of a text that contains no added tokens.
    private func encodePlain(_ text: String) -> [Int] {
        let scalars = TextCleaning.clean(text)
        var tokens: [Int] = []
        for word in WordSplitter.words(of: scalars) {
            let word = scalars[word]
            // A special token that is written out in the text becomes that token, as in CLIP4Clip.
            if word.elementsEqual(WordSplitter.start) {
                tokens.append(startToken ?? 0)
            } else if word.elementsEqual(WordSplitter.end) {
                tokens.append(endToken)
            } else {
                let bytes = word.flatMap { Array(String($0).utf8) }
                let symbols = bytes.dropLast().map { inner[Int($0)] } + bytes.suffix(1).map { last[Int($0)] }
                tokens += encoding.merge(symbols, inRounds: true).map(Int.init)
            }
        }
        return tokens
    }
}
