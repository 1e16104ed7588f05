/// A tokenizer with byte-pair encoding over characters, and single bytes as a fallback, as Gemma's.
///
/// Added tokens are cut out of a text, the rest is normalised (spaces become U+2581), and pairs are merged over the
/// whole text. Source: tokenizers `models/bpe/model.rs`; docs/MATHEMATICS.md, section 12.4.
struct PieceTokens: TokenModel {
    let startToken: Int? = nil
    let endToken: Int
    let vocabularySize: Int
    let padding: Int?
    private let cleaning: TextCleaning.Rule
    private let ids: [[UInt8]: UInt32]
    private let encoding: BytePairEncoding
    /// The token id of each byte value, such as that of `<0x0A>`; nil for a byte that the vocabulary lacks.
    private let bytes: [UInt32?]
    private let unknown: UInt32?
    /// The steps that normalise a text: those of the model family, then those of the tokenizer's file.
    private let steps: [Step]
    /// The added tokens that are cut out of a text before it is normalised; `normalised` has those cut out afterwards.
    private let raw: AddedTokens
    private let normalised: AddedTokens

    /// A step that changes a text before it is split into tokens.
    private enum Step {
        /// Lowercases each code point without regard to its neighbours.
        case lower
        case replace(from: [UInt8], to: [UInt8])
    }

    init(
        _ root: RawJSON, _ model: RawJSON, _ file: String, _ cleaning: TextCleaning.Rule
    ) throws(TokenizerError) {
        func refuse(_ what: String) -> TokenizerError { TokenizerError(file, what) }
        guard case .object(let entries)? = model["vocab"] else { throw refuse("its model has no vocabulary") }
        for key in ["dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"] {
            guard model[key]?.isOff ?? true else {
                throw refuse("it has \(key) beside byte_fallback, which is not read")
            }
        }
        // SigLIP 2 was trained on lower-case texts, which its tokenizer file does not state. If OpenCLIP's
        // configuration states a cleaning rule, that was applied before, and only the steps of the file follow.
        let steps = (cleaning == .family ? [Step.lower] : []) + (try Self.normalizer(root, file))
        let added = try TokenizerJSON.added(root["added_tokens"], file)
        var ids = try TokenizerJSON.ids(entries, file)
        for token in added where ids.updateValue(token.id, forKey: token.content) ?? token.id != token.id {
            throw refuse("a token was added with another id than it has in the vocabulary")
        }
        func id(_ piece: String) -> UInt32? { ids[Array(piece.utf8)] }
        guard let end = id("<eos>") ?? id("</s>") else { throw refuse("its vocabulary has no <eos>") }
        // The towers attend to what fills a text up, so another token would give other embeddings.
        guard let pad = id("<pad>") else { throw refuse("its vocabulary has no <pad>, which fills texts up") }
        var encoding = BytePairEncoding(minimumCapacity: entries.count)
        for (rank, merge) in try TokenizerJSON.merges(model["merges"], file).enumerated() {
            guard let left = ids[merge.left], let right = ids[merge.right], let merged = ids[merge.left + merge.right]
            else { throw refuse("merge \(rank + 1) takes or makes a token that the vocabulary lacks") }
            encoding.add(left: left, right: right, merged: merged, rank: UInt32(rank))
        }
        self.encoding = encoding
        bytes = (0..<256).map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return id(digits.count == 1 ? "<0x0\(digits)>" : "<0x\(digits)>")
        }
        unknown = id(model["unk_token"]?.text ?? "<unk>")
        endToken = Int(end)
        padding = Int(pad)
        vocabularySize = Int(ids.values.max() ?? 0) + 1
        let raw = added.filter { !$0.ignoresCase }
        let normalised = added.filter(\.ignoresCase)
            .map { AddedToken(content: Self.normalise($0.content, steps), id: $0.id, ignoresCase: false) }
        self.raw = AddedTokens(raw)
        self.normalised = AddedTokens(normalised)
        (self.ids, self.steps, self.cleaning) = (ids, steps, cleaning)
    }

    /// Returns the steps of the file's normalizer; throws unless they are `Replace` and `Lowercase`.
    private static func normalizer(_ root: RawJSON, _ file: String) throws(TokenizerError) -> [Step] {
        func refuse(_ what: String) -> TokenizerError { TokenizerError(file, what) }
        var steps: [Step] = []
        var spaces: [(from: [UInt8], to: [UInt8])] = []
        for step in TokenizerJSON.steps(root["normalizer"]) {
            switch (step["type"]?.text, step["pattern"]?["String"], step["content"]) {
            case ("Replace", .string(let from)?, .string(let to)?) where !from.isEmpty:
                spaces.append((from, to))
                steps.append(.replace(from: from, to: to))
            case ("Lowercase", _, _): steps.append(.lower)
            default: throw refuse("its normalizer has \(step["type"]?.shown ?? "no type"), not Replace or Lowercase")
            }
        }
        // The limits keep a file from making texts grow without bound.
        guard spaces.count <= 2, spaces.allSatisfy({ $0.to.count <= 3 * $0.from.count }) else {
            throw refuse("its normalizer has more than 2 replacements, or one by more than thrice as many bytes")
        }
        guard steps.count - spaces.count <= 1 else { throw refuse("its normalizer has more than one Lowercase") }
        // Replacing spaces leaves none to split at, so a pre-tokenizer that splits at spaces does nothing.
        for step in TokenizerJSON.steps(root["pre_tokenizer"]) where step["pattern"]?["String"] != .string([0x20]) {
            throw refuse("its pre_tokenizer splits at something else than spaces, which is not read")
        }
        guard spaces.contains(where: { $0.from == [0x20] }) || TokenizerJSON.steps(root["pre_tokenizer"]).isEmpty else {
            throw refuse("its pre_tokenizer splits at spaces, which no normalizer replaces: that is not read")
        }
        return steps
    }

    func encode(_ text: String) -> [Int] {
        raw.split(TextCleaning.clean(text, cleaning)).flatMap { part -> [Int] in
            switch part {
            case .token(let id): [Int(id)]
            case .text(let text):
                encodeNormalised(String(decoding: Self.normalise(Array(text.utf8), steps), as: UTF8.self))
            }
        }
    }

    private static func normalise(_ text: [UInt8], _ steps: [Step]) -> [UInt8] {
        steps.reduce(text) { text, step in
            switch step {
            case .lower:
                String(decoding: text, as: UTF8.self).unicodeScalars.flatMap {
                    Array($0.properties.lowercaseMapping.utf8)
                }
            case .replace(let from, let to): Array(text.replacing(from, with: to))
            }
        }
    }

    private func encodeNormalised(_ text: String) -> [Int] {
        normalised.split(text).flatMap { part -> [Int] in
            switch part {
            case .token(let id): [Int(id)]
            case .text(let text): encoding.merge(symbols(text), inRounds: false).map(Int.init)
            }
        }
    }

    /// Returns the initial token ids of a text: one for each character, or for each of its bytes.
    ///
    /// Adjacent characters that have neither become one unknown token.
    private func symbols(_ text: String) -> [UInt32] {
        var out: [UInt32] = []
        for scalar in text.unicodeScalars {
            let utf8 = Array(String(scalar).utf8)
            if let id = ids[utf8] {
                out.append(id)
                continue
            }
            let pieces = utf8.compactMap { bytes[Int($0)] }
            if pieces.count == utf8.count {
                out += pieces
            } else if let unknown, out.last != unknown {
                out.append(unknown)
            }
        }
        return out
    }
}
