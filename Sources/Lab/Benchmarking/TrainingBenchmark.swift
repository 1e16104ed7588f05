import Tensors
package import Training

/// Times the training steps of a head on random embeddings, or of CLIP's towers on random pictures.
package struct TrainingBenchmark: Sendable {
    package let head: HeadKind
    /// The number of values in an embedding.
    package let width: Int
    /// The length of a window, in frames.
    package let frames: Int
    /// The number of (text, window) pairs in a step.
    package let batch: Int
    /// The number of blocks of the transformer and tight heads.
    package let layers: Int
    /// The number of steps that are timed, after a first step that is not.
    package let steps: Int
    /// The number of threads for matrix products.
    package let threads: Int
    /// True if both towers, with the bundled model's sizes, are trained together with the mean head.
    package let towers: Bool

    package init(
        head: HeadKind, width: Int, frames: Int, batch: Int, layers: Int, steps: Int, threads: Int, towers: Bool
    ) {
        (self.head, self.width, self.frames, self.batch) = (head, width, frames, batch)
        (self.layers, self.steps, self.threads, self.towers) = (layers, steps, threads, towers)
    }

    /// The sizes of the bundled model's towers.
    private enum Bundled {
        static let width = 128
        static let side = 64
        static let vocabulary = 2514
        static let endToken = 2513
        /// The number of tokens of a random text before its end token.
        static let words = 11

        static let texts = TextShape(
            stack: StackShape(width: width, heads: 2, layers: 3, epsilon: 1e-5), context: 32, vocabulary: vocabulary,
            embedding: width)
        static let images = ImageShape(
            stack: StackShape(width: width, heads: 2, layers: 4, epsilon: 1e-5), patch: 8, side: side,
            embedding: width, spatiotemporal: false)
    }

    /// Times training steps on one random batch; blocks the calling thread.
    package func run() throws -> TrainingReport {
        GeneralProduct.useThreads(threads)
        let width = towers ? Bundled.width : width
        let shape = HeadShape(
            kind: towers ? .mean : head,
            stack: StackShape(width: width, heads: max(1, width / 64), layers: layers, epsilon: 1e-12),
            positions: frames + 1)
        let model =
            towers
            ? TrainingModel(head: shape, images: Bundled.images, texts: Bundled.texts) : TrainingModel(head: shape)
        let start = FreshTowers.parameters(model.layout, images: Bundled.images, texts: Bundled.texts, seed: 1)
        var plan = TrainingPlan()
        plan.epochs = steps + 1
        plan.batch = batch
        plan.dropout = 0
        let made = randomBatch(width: width)
        var trainer = try Trainer(
            model, plan: plan, from: Trainer.Progress(parameters: start), examples: batch, batch: { _ in made })
        _ = try trainer.advance()
        var times: [Double] = []
        for _ in 0..<steps {
            let began = ContinuousClock.now
            _ = try trainer.advance()
            times.append((ContinuousClock.now - began) / .milliseconds(1))
        }
        return TrainingReport(
            head: towers ? "towers" : head.rawValue, width: width, frames: frames, batch: batch, layers: layers,
            threads: threads, msPerStep: times.median, fastest: times.min() ?? .nan, slowest: times.max() ?? .nan)
    }

    private func randomBatch(width: Int) -> TrainingBatch<Float> {
        var numbers = SystemRandomNumberGenerator()
        func random(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &numbers) } }
        let valid = [Int](repeating: frames, count: batch)
        guard towers else {
            return TrainingBatch(
                texts: .embeddings(random(batch * width)), frames: .embeddings(random(batch * frames * width)),
                valid: valid)
        }
        let ids = (0..<batch).map { _ in
            (0..<Bundled.words).map { _ in Int.random(in: 0..<Bundled.endToken - 1, using: &numbers) }
                + [Bundled.endToken]
        }
        return TrainingBatch(
            texts: .tokens(TokenBatch(ids, endToken: Bundled.endToken)),
            frames: .pictures(random(batch * frames * 3 * Bundled.side * Bundled.side)), valid: valid)
    }
}
