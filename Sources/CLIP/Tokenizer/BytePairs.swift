/// CLIP's visible stand-ins for the 256 bytes.
enum ByteAlphabet {
    /// Bytes that print as themselves come first, the others follow; that is the vocabulary's order.
    static let inVocabularyOrder: [Unicode.Scalar] = order.map { scalars[Int($0)] }

    /// Scalar of each byte.
    static let scalars: [Unicode.Scalar] = {
        var scalars = [Unicode.Scalar](repeating: " ", count: 256)
        var extra: UInt32 = 256
        for byte in order {
            if printable(byte) {
                scalars[Int(byte)] = Unicode.Scalar(byte)
            } else {
                scalars[Int(byte)] = Unicode.Scalar(extra) ?? " "
                extra += 1
            }
        }
        return scalars
    }()

    private static let order: [UInt8] = {
        let all = (0...255).map { UInt8($0) }
        return all.filter(printable) + all.filter { !printable($0) }
    }()

    private static func printable(_ byte: UInt8) -> Bool {
        (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
    }
}

/// Byte-pair merges over numbered symbols: 0...255 a byte, 256...511 a byte that ends its word, then the merges.
struct BytePairs: Sendable {
    private struct Merge {
        let rank: Int
        let symbol: Int
    }

    /// Text of each symbol in CLIP's byte alphabet, "</w>" at the end of a word.
    let symbols: [String]
    private let merges: [UInt64: Merge]

    /// `merges`: "left right" a line, lowest rank first.
    init(merges lines: [String], origin: String) throws(TokenizerError) {
        var symbols = ByteAlphabet.scalars.map { String(Character($0)) }
        symbols += symbols.map { $0 + "</w>" }
        var numbers = Dictionary(uniqueKeysWithValues: symbols.enumerated().map { ($1, $0) })
        var merges: [UInt64: Merge] = [:]
        for (rank, line) in lines.enumerated() {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 2, let left = numbers[String(parts[0])], let right = numbers[String(parts[1])] else {
                throw TokenizerError("\(origin): merge \(rank + 1), \"\(line)\", does not join two earlier tokens")
            }
            let joined = String(parts[0]) + String(parts[1])
            let symbol = numbers[joined] ?? symbols.count
            if symbol == symbols.count {
                numbers[joined] = symbol
                symbols.append(joined)
            }
            if merges[Self.key(left, right)] == nil {
                merges[Self.key(left, right)] = Merge(rank: rank, symbol: symbol)
            }
        }
        self.symbols = symbols
        self.merges = merges
    }

    /// Symbols of one word: of all adjacent pairs the one of lowest rank is joined wherever it stands, until none is left.
    func encode(_ bytes: [UInt8]) -> [Int] {
        guard let last = bytes.last else { return [] }
        var word = bytes.dropLast().map(Int.init) + [Int(last) + 256]
        while word.count > 1 {
            var best: (merge: Merge, left: Int, right: Int)?
            for i in 0..<word.count - 1 {
                guard let merge = merges[Self.key(word[i], word[i + 1])] else { continue }
                if merge.rank < best?.merge.rank ?? .max { best = (merge, word[i], word[i + 1]) }
            }
            guard let best else { break }
            var joined: [Int] = []
            joined.reserveCapacity(word.count)
            var i = 0
            while i < word.count {
                if i + 1 < word.count, word[i] == best.left, word[i + 1] == best.right {
                    joined.append(best.merge.symbol)
                    i += 2
                } else {
                    joined.append(word[i])
                    i += 1
                }
            }
            word = joined
        }
        return word
    }

    private static func key(_ left: Int, _ right: Int) -> UInt64 { UInt64(left) << 32 | UInt64(right) }
}
