import CLIP
import Foundation
import Synchronization
import SystemSupport
import Tokenizers
import Training
import World

/// Generates batches of pictures of the shapes world; every caption's truth is known for every picture.
///
/// A seed and a step determine a batch.
struct PictureBatches: Sendable {
    let architecture: Architecture
    let normalisation: Normalisation
    let tokenizer: Tokenizer
    let seed: UInt64
    /// The pictures of a batch.
    let size: Int

    /// A picture before it is added to a batch.
    private struct Item: Sendable {
        let pixels: [UInt8]
        let labels: [UInt8]
        let facts: Facts
        let claim: Claim
        let sights: [Sight]
    }

    /// Generates the batch of a step.
    ///
    /// `plain` is the share of pictures with one large object. Without `captions` there are no texts.
    func batch(step: Int, plain: Double, captions: Bool) -> PictureBatch<Float> {
        let items = concurrentMap(size) { item(number: $0, step: step, plain: plain) }
        var random = SeededRandom(seed: WorldSeed.mix(seed, step, 1 << 20))
        var claims = items.map(\.claim)
        for _ in 0..<size / 2 { claims.append(random.choice(claims).nearMiss(&random)) }
        var captioner = Captioner.varied(SeededRandom(seed: random.next()))
        let texts = captions ? tokenizer.batch(claims.map { captioner.caption($0) }, architecture.text) : nil
        return PictureBatch(
            pictures: normalisation.planes(items.flatMap(\.pixels), side: architecture.vision.side), texts: texts,
            truth: captions ? claims.flatMap { claim in items.map { claim.truth($0.facts) } } : [],
            labels: items.flatMap(\.labels), sights: items.flatMap(\.sights))
    }

    /// Generates one picture; scenes that no caption describes are drawn again.
    private func item(number: Int, step: Int, plain: Double) -> Item {
        var random = SeededRandom(seed: WorldSeed.mix(seed, step, number))
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

    /// The object in each slot of the picture, for the side task; nothing in the dark.
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
}
