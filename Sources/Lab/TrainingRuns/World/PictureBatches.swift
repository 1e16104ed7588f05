import CLIP
import Foundation
import Synchronization
import SystemSupport
import Tokenizers
import Training
import World

/// Generates training batches of pictures and captions, with the truth of every caption for every picture.
///
/// Seed and step number determine a batch.
struct PictureBatches: Sendable {
    let architecture: Architecture
    let normalisation: Normalisation
    let tokenizer: Tokenizer
    let seed: UInt64
    /// The number of pictures in a batch.
    let size: Int

    /// A generated picture with its description, before it is added to a batch.
    private struct Item: Sendable {
        let pixels: [UInt8]
        let labels: [UInt8]
        let facts: Facts
        let claim: Claim
        let objects: [VisibleObject]
    }

    /// Generates the batch of training step `step`.
    ///
    /// `plain` is the share of pictures with one large object. Without `captions`, the batch has no texts.
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
            labels: items.flatMap(\.labels), objects: items.flatMap(\.objects))
    }

    /// Generates one picture with a true claim; it tries again if no claim describes the scene.
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
                objects: Self.objects(scene, picture: number))
        }
    }

    /// Returns the visible objects of a picture as training examples for `AppearanceTask`; none if the lights are off.
    private static func objects(_ scene: Scene, picture: Int) -> [VisibleObject] {
        guard scene.light(at: 0) > 0.5 else { return [] }
        return scene.objects.map { object in
            let symmetry = Double(object.shape.symmetry)
            let angle = symmetry * object.turn
            return VisibleObject(
                picture: picture, shape: object.shape.rawValue, colour: object.colour.rawValue, x: object.place.x,
                y: object.place.y, radius: object.radius, turn: symmetry > 0 ? (cos(angle), sin(angle)) : nil)
        }
    }
}
