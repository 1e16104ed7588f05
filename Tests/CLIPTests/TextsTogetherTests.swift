import CLIP
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite("Texts that go through the tower together")
struct TextsTogetherTests {
    @Test("have the embeddings that each has by itself, whatever their lengths and order")
    func same() throws {
        let model = try ModelDirectory(Fixtures.shapes)
        let encoder = try TextEncoder(model.tensors, architecture: model.architecture, precision: .f32)
        let tokenizer = try model.tokenizer()
        // From two tokens to the whole context, some of each length, in no order.
        let texts = (0..<60).map { place in
            ["a red circle moves left", "blue", "", "a square"][place % 4]
                + String(repeating: " and a green triangle", count: place * 7 % 9)
        }
        let ids = texts.map { tokenizer.tokens($0, limit: model.architecture.text.context).ids }
        #expect(Set(ids.map(\.count)).count > 8)
        let together = try encoder.encode(ids)
        for (place, own) in ids.enumerated() {
            let alone = try encoder.encode(own)
            let most = alone.map(abs).max() ?? 0
            let difference = zip(alone, together[place]).map { abs($0 - $1) }.max() ?? .infinity
            #expect(difference <= 1e-5 * most, "text \(place): \(difference) of \(most)")
        }
        #expect(throws: TextError.self) { try encoder.encode([ids[0], [], ids[1]]) }
        #expect(throws: TextError.self) { try encoder.encode([ids[0], [-1]]) }
        #expect(try encoder.encode([]).isEmpty)
    }
}
