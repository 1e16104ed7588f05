import Foundation
import FuzzReaders
import SystemSupport
import TestSupport
import Testing

/// Runs a thousand inputs for each reader, derived from its corpus.
///
/// `make fuzz` continues from there, guided by coverage and checked by AddressSanitizer.
@Suite("Mutated inputs", .serialized)
struct CorpusTests {
    private static let folder = Fixtures.repository.appending(path: "Fuzz")

    /// The words of libFuzzer's dictionary, without comments and quotes.
    private static func words() throws -> [[UInt8]] {
        try String(contentsOf: folder.appending(path: "words.dict"), encoding: .utf8)
            .split(separator: "\n").filter { $0.hasPrefix("\"") }
            .map { line in
                Array(line.dropFirst().dropLast().replacing("\\\"", with: "\"").replacing("\\\\", with: "\\").utf8)
            }
    }

    @Test("a hostile input is refused or read, and nothing traps", arguments: Reader.allCases)
    func mutated(_ reader: Reader) throws {
        let place = Self.folder.appending(path: "corpus/\(reader.rawValue)")
        let names = try FileManager.default.contentsOfDirectory(atPath: place.path).sorted()
        let corpus = try names.map { [UInt8](try Data(contentsOf: place.appending(path: $0))) }
        #expect(!corpus.isEmpty, "\(reader.rawValue) has no corpus")
        for input in corpus { input.withUnsafeBytes { reader.read($0) } }
        var mutator = Mutator(corpus: corpus, words: try Self.words(), seed: UInt64(corpus.count))
        // What the reader reads when the process traps is kept: the finding.
        let finding = FileManager.default.temporaryDirectory.appending(path: "finding-\(reader.rawValue)")
        for _ in 0..<1000 {
            let input = mutator.next()
            try Data(input).write(to: finding)
            input.withUnsafeBytes { reader.read($0) }
        }
        try FileManager.default.removeItem(at: finding)
    }
}

/// Derives inputs from a corpus: bytes changed, parts removed, repeated or taken from another input, words inserted.
struct Mutator {
    let corpus: [[UInt8]]
    let words: [[UInt8]]
    private var random: SeededRandom

    init(corpus: [[UInt8]], words: [[UInt8]], seed: UInt64) {
        (self.corpus, self.words, random) = (corpus, words, SeededRandom(seed: seed))
    }

    mutating func next() -> [UInt8] {
        var input = random.choice(corpus)
        for _ in 0...random.below(4) { change(&input) }
        return input
    }

    private mutating func change(_ input: inout [UInt8]) {
        let place = random.below(input.count + 1)
        let part = place..<min(input.count, place + 1 + random.below(32))
        switch random.below(6) {
        case 0 where place < input.count: input[place] ^= 1 << random.below(8)
        case 1 where place < input.count: input[place] = UInt8(random.below(256))
        case 2: input.removeSubrange(part)
        case 3: input.insert(contentsOf: input[part], at: place)
        case 4: input.replaceSubrange(part, with: random.choice(words))
        default:
            let other = random.choice(corpus)
            let start = random.below(other.count + 1)
            input.insert(contentsOf: other[start...].prefix(64), at: place)
        }
    }
}
