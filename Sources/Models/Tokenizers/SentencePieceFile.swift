/// Parses `spiece.model`, SentencePiece's protobuf file: the pieces, their scores, and the normalisation of texts.
///
/// Source: sentencepiece `sentencepiece_model.proto`; docs/MATHEMATICS.md, section 12.4.
enum SentencePieceFile {
    static func parse(
        _ bytes: [UInt8], _ file: String, _ cleaning: TextCleaning.Rule
    ) throws(TokenizerError) -> any TokenModel {
        var message = ProtobufReader(bytes[...], file)
        var pieces: [UnigramTokens.Piece] = []
        var unknown: Int?
        var characters: CharacterMap?
        while let (number, field) = try message.next() {
            switch (number, field) {
            case (1, .bytes(let inner)):
                let (piece, type) = try piece(inner, file)
                if type == 2 { unknown = unknown ?? pieces.count }
                pieces.append(piece)
            case (2, .bytes(let trainer)): try checkModel(trainer, file)
            case (3, .bytes(let normaliser)): characters = try map(normaliser, file)
            default: continue
            }
        }
        guard let unknown else { throw TokenizerError(file, "it is no SentencePiece model: it has no unknown piece") }
        return try UnigramTokens(
            pieces: pieces, unknown: unknown, characters: characters, file: file, cleaning: cleaning)
    }

    /// Parses one piece of the vocabulary; returns it with its type.
    ///
    /// Only pieces of the types normal (1) and user-defined (4) get a score, so that texts can match them.
    private static func piece(
        _ bytes: ArraySlice<UInt8>, _ file: String
    ) throws(TokenizerError) -> (UnigramTokens.Piece, type: Int) {
        var reader = ProtobufReader(bytes, file)
        var (text, score, type): ([UInt8], Float, Int) = ([], 0, 1)
        while let (number, field) = try reader.next() {
            switch (number, field) {
            case (1, .bytes(let found)): text = Array(found)
            case (2, .word(let bits)): score = Float(bitPattern: bits)
            case (3, .number(let found)): type = Int(truncatingIfNeeded: found)
            default: continue
            }
        }
        guard type != 6 else { throw TokenizerError(file, "it has pieces of single bytes, which are not read") }
        return (UnigramTokens.Piece(bytes: text, score: type == 1 || type == 4 ? Double(score) : nil), type)
    }

    /// Throws unless the file's model type is Unigram (1, the default).
    private static func checkModel(_ bytes: ArraySlice<UInt8>, _ file: String) throws(TokenizerError) {
        var reader = ProtobufReader(bytes, file)
        while let (number, field) = try reader.next() {
            if case (3, .number(let type)) = (number, field), type != 1 {
                throw TokenizerError(file, "its model type is \(type): expected 1, Unigram")
            }
        }
    }

    /// Parses the normalisation rules; returns their character map, or nil if they have none.
    ///
    /// Throws unless the other rules are SentencePiece's defaults.
    private static func map(_ bytes: ArraySlice<UInt8>, _ file: String) throws(TokenizerError) -> CharacterMap? {
        var reader = ProtobufReader(bytes, file)
        var map: CharacterMap?
        while let (number, field) = try reader.next() {
            switch (number, field) {
            case (2, .bytes(let blob)) where !blob.isEmpty: map = try CharacterMap(Array(blob), file)
            case (3, .number(0)): throw TokenizerError(file, "add_dummy_prefix is off, which is not read")
            case (4, .number(0)): throw TokenizerError(file, "remove_extra_whitespaces is off, which is not read")
            case (5, .number(0)): throw TokenizerError(file, "escape_whitespaces is off, which is not read")
            default: continue
            }
        }
        return map
    }
}

/// Parses the fields of a protobuf message one after the other.
private struct ProtobufReader {
    enum Field {
        case number(UInt64)
        case word(UInt32)
        case long
        case bytes(ArraySlice<UInt8>)
    }

    private var rest: ArraySlice<UInt8>
    private let file: String

    init(_ bytes: ArraySlice<UInt8>, _ file: String) { (rest, self.file) = (bytes, file) }

    mutating func next() throws(TokenizerError) -> (Int, Field)? {
        guard !rest.isEmpty else { return nil }
        let tag = try number()
        let field: Field
        switch tag & 7 {
        case 0: field = .number(try number())
        case 1:
            _ = try take(8)
            field = .long
        case 2:
            guard let count = Int(exactly: try number()) else { throw cut }
            field = .bytes(try take(count))
        case 5: field = .word(try take(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
        default: throw TokenizerError(file, "it is no SentencePiece model: a field has the unknown kind \(tag & 7)")
        }
        return (Int(truncatingIfNeeded: tag >> 3), field)
    }

    private var cut: TokenizerError { TokenizerError(file, "it is no SentencePiece model, or it is cut short") }

    private mutating func number() throws(TokenizerError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { throw cut }
            value |= UInt64(byte & 127) << shift
            if byte < 128 { return value }
        }
        throw cut
    }

    private mutating func take(_ count: Int) throws(TokenizerError) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw cut }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}
