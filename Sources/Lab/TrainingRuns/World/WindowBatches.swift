import CLIP
import Engine
import SystemSupport
import Tokenizers
import Training
import World

/// Generates batches of windows (short runs of frames) with true captions and slightly changed ones.
///
/// Seed and step number determine a batch.
struct WindowBatches: Sendable {
    let runs: WorldRuns
    let architecture: Architecture
    let tokenizer: Tokenizer
    let seed: UInt64
    /// The number of windows in a batch.
    let size: Int

    /// A window with its description, before it is added to a batch.
    private struct Item: Sendable {
        let frames: [Float]
        let facts: Facts
        let claim: Claim
    }

    /// Generates the batch of training step `step`: a true caption of each window, then false variants of these.
    ///
    /// With `nearMisses` false, there are only true captions.
    func batch(step: Int, nearMisses: Bool = true) -> WindowBatch<Float> {
        let items = concurrentMap(size) { item(number: $0, step: step) }
        var random = SeededRandom(seed: WorldSeed.mix(seed, step, 1 << 20))
        let misses = nearMisses ? items.map { $0.claim.nearMiss(&random) } : []
        let claims = items.map(\.claim) + misses
        var captioner = Captioner.varied(SeededRandom(seed: random.next()))
        return WindowBatch(
            frames: items.flatMap(\.frames),
            texts: tokenizer.batch(claims.map { captioner.caption($0) }, architecture.text),
            truth: claims.flatMap { claim in items.map { claim.truth($0.facts) } },
            isStanding: claims.map(WorldSlots.isStanding), said: claims.map(WorldSlots.said),
            questions: items.enumerated().flatMap { WorldSlots.questions($1.facts, window: $0) },
            whole: items.flatMap { WorldSlots.whole($0.facts) }, seed: random.next())
    }

    /// Cuts one window from a random stored frame sequence; it chooses again if no claim describes the window.
    private func item(number: Int, step: Int) -> Item {
        var random = SeededRandom(seed: WorldSeed.mix(seed, step, number))
        while true {
            let (run, place) = (random.below(runs.count), random.below(runs.places))
            let facts = runs.facts(run: run, place: place)
            let isFull = random.chance(0.3)
            guard let claim = Claim.random(trueOf: facts, &random, full: isFull, action: 0.72) else { continue }
            // Noise on the embeddings imitates the differences between cameras and codecs.
            let gain = Float(1 + 0.02 * random.normal())
            let frames = runs.embeddings(run: run, place: place).map { $0 * gain + Float(0.03 * random.normal()) }
            return Item(frames: frames, facts: facts, claim: claim)
        }
    }
}
