import CLIP
import Engine
import SystemSupport
import Tokenizers
import Training
import World

/// Generates batches of windows with captions and near misses; a seed and a step determine a batch.
struct WindowBatches: Sendable {
    let runs: WorldRuns
    let architecture: Architecture
    let tokenizer: Tokenizer
    let seed: UInt64
    /// The windows of a batch.
    let size: Int

    /// A window before it is added to a batch.
    private struct Item: Sendable {
        let frames: [Float]
        let facts: Facts
        let claim: Claim
    }

    /// Generates the batch of a step: the windows' captions, then, if requested, a near miss of each.
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

    /// Cuts one window from a random run; windows that no caption describes are drawn again.
    private func item(number: Int, step: Int) -> Item {
        var random = SeededRandom(seed: WorldSeed.mix(seed, step, number))
        while true {
            let (run, place) = (random.below(runs.count), random.below(runs.places))
            let facts = runs.facts(run: run, place: place)
            let isFull = random.chance(0.3)
            guard let claim = Claim.random(trueOf: facts, &random, full: isFull, action: 0.72) else { continue }
            // Noise stands for what another camera or codec changes.
            let gain = Float(1 + 0.02 * random.normal())
            let frames = runs.embeddings(run: run, place: place).map { $0 * gain + Float(0.03 * random.normal()) }
            return Item(frames: frames, facts: facts, claim: claim)
        }
    }
}
