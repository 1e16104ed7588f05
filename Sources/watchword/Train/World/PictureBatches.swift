import CLIP
import Foundation
import Randomness
import Synchronization
import Tokenizers
import Training
import World

/// Pictures of the world without end, with captions whose truth is known of each: a seed and a step determine a batch.
struct PictureBatches: Sendable {
    let architecture: Architecture
    let normalisation: Normalisation
    let tokenizer: Tokenizer
    let seed: UInt64
    let size: Int

    private struct Item: Sendable {
        let pixels: [UInt8]
        let labels: [UInt8]
        let facts: Facts
        let claim: Claim
        let sights: [Sight]
    }

    /// `plain` is the share of pictures with one large thing; without captions, texts are left out.
    func batch(step: Int, plain: Double, captions: Bool) -> PictureBatch<Float> {
        let items = Self.each(size) { item(number: $0, step: step, plain: plain) }
        var random = SeededRandom(seed: Self.mix(seed, step, 1 << 20))
        var claims = items.map(\.claim)
        for _ in 0..<size / 2 { claims.append(random.choice(claims).nearMiss(&random)) }
        var captioner = Captioner.varied(SeededRandom(seed: random.next()))
        let texts = captions ? tokens(claims.map { captioner.caption($0) }, tokenizer, architecture) : nil
        return PictureBatch(
            pictures: normalisation.planes(items.flatMap(\.pixels), side: architecture.vision.side), texts: texts,
            truth: captions ? claims.flatMap { claim in items.map { claim.truth($0.facts) } } : [],
            labels: items.flatMap(\.labels), sights: items.flatMap(\.sights))
    }

    private func item(number: Int, step: Int, plain: Double) -> Item {
        var random = SeededRandom(seed: Self.mix(seed, step, number))
        while true {
            let isPlain = random.chance(plain)
            let scene = Scene.still(&random, plain: isPlain)
            let facts = Facts(scene, times: [0])
            guard let claim = Claim.random(trueOf: facts, &random) else { continue }
            var view = SquareView(scene, side: architecture.vision.side, isClear: isPlain, &random)
            return Item(
                pixels: view.picture(at: 0), labels: view.labels(at: 0), facts: facts, claim: claim,
                sights: Self.sights(scene, picture: number))
        }
    }

    private static func sights(_ scene: Scene, picture: Int) -> [Sight] {
        guard scene.light(at: 0) > 0.5 else { return [] }
        return scene.objects.map { object in
            let symmetry = Double(object.shape.symmetry)
            let angle = symmetry * object.turn
            return Sight(
                picture: picture, first: object.shape.rawValue, second: object.colour.rawValue, x: object.place.x,
                y: object.place.y, radius: object.radius, turn: symmetry > 0 ? (cos(angle), sin(angle)) : nil)
        }
    }

    /// A seed for one item of one step.
    static func mix(_ seed: UInt64, _ step: Int, _ number: Int) -> UInt64 {
        var random = SeededRandom(seed: seed &+ UInt64(step) &* 0x9E37_79B9_7F4A_7C15)
        return random.next() &+ UInt64(number) &* 0xD1B5_4A32_D192_ED03
    }

    /// Makes several things on all cores, in their order.
    static func each<T: Sendable>(_ count: Int, _ make: @Sendable (Int) -> T) -> [T] {
        let made = Mutex([T?](repeating: nil, count: count))
        DispatchQueue.concurrentPerform(iterations: count) { index in
            let item = make(index)
            made.withLock { $0[index] = item }
        }
        return made.withLock { $0.compactMap { $0 } }
    }
}

/// Token ids of captions.
func tokens(_ captions: [String], _ tokenizer: Tokenizer, _ architecture: Architecture) -> TokenBatch {
    let limit = architecture.text.context
    return TokenBatch(
        captions.map { tokenizer.tokens($0, limit: limit).ids }, endToken: architecture.text.endToken)
}
