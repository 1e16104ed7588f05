import Foundation
package import Tensors

/// A batch to train CLIP's towers on: generated pictures, and texts of known truth.
package struct PictureBatch<Real: ProductScalar>: Sendable {
    /// The normalised pictures `[F, 3, R, R]`.
    package let pictures: [Real]
    /// The tokenised texts; nil trains without texts.
    ///
    /// Text i describes picture i; the texts after the first F are additional.
    package let texts: TokenBatch?
    /// The truth of each text for each picture, `[texts, F]`: 0 false, 1 true, 0.5 undecided.
    package let truth: [Float]
    /// The object at each pixel, `[F, R, R]`: 0 for background, else `1 + shape * C + colour`, with C colours.
    package let labels: [UInt8]
    package let objects: [VisibleObject]

    package init(pictures: [Real], texts: TokenBatch?, truth: [Float], labels: [UInt8], objects: [VisibleObject]) {
        (self.pictures, self.texts, self.truth) = (pictures, texts, truth)
        (self.labels, self.objects) = (labels, objects)
    }
}

/// A loss as the sum of its named parts, and its gradient with respect to every parameter.
package struct Losses<Real: ProductScalar>: Sendable {
    package internal(set) var parts: [(name: String, value: Double)] = []
    package internal(set) var gradient: [Real]
    package var total: Double { parts.reduce(0) { $0 + $1.value } }
}

/// A model of CLIP's image and text towers with auxiliary losses, to be trained from nothing.
package struct TowersModel: Sendable {
    package let layout: ParameterLayout
    private let images: ImageTower
    private let texts: TextTower
    private let scores: PairScores
    private let patchTask: PatchTask
    private let appearanceTask: AppearanceTask
    private let shape: ImageShape

    /// Makes the model; `kinds` has the numbers of shapes and of colours that objects can have.
    package init(images shape: ImageShape, texts: TextShape, kinds: (shapes: Int, colours: Int)) {
        var layout = ParameterLayout()
        self.shape = shape
        images = ImageTower(&layout, shape)
        self.texts = TextTower(&layout, texts)
        scores = PairScores(&layout, scale: layout.claim("clip.logit_scale", []), name: "mean")
        patchTask = PatchTask(&layout, width: shape.stack.width, patch: shape.patch, kinds: kinds)
        appearanceTask = AppearanceTask(&layout, width: shape.embedding, kinds: kinds)
        self.layout = layout
    }

    /// Returns a batch's losses and gradients; `p` holds all parameters.
    ///
    /// `side` is the weight of `PatchTask`'s loss. `weights` are the weights of the (text, picture) pairs; if nil, they
    /// are computed.
    @specialized(where Real == Float)
    package func evaluate<Real: ProductScalar>(
        _ batch: PictureBatch<Real>, side: Double, weights: [Real]? = nil, _ p: [Real]
    ) -> Losses<Real> {
        var g = [Real](repeating: 0, count: layout.count)
        var losses = Losses<Real>(gradient: [])
        let (D, W) = (shape.embedding, shape.stack.width)
        let (embeddings, saved) = images.forward(batch.pictures, window: 1, p)
        let F = embeddings.count / D
        let tokens = saved.hidden.count / (F * W)
        // The tokens of the patches, without the class token.
        let (all, some) = (tokens * W, (tokens - 1) * W)
        var patches: [Real] = []
        patches.reserveCapacity(F * some)
        for frame in 0..<F { patches += saved.hidden[frame * all + W..<(frame + 1) * all] }
        let grid = shape.side / shape.patch
        let (patchLoss, dPatches) = patchTask.evaluate(
            patches, labels: batch.labels, grid: grid, share: Real(side), p, &g)
        let appearance = appearanceTask.evaluate(embeddings, batch.objects, p, &g)
        losses.parts = [("patches", patchLoss), ("present", appearance.present), ("place", appearance.place)]
        var dEmbeddings = appearance.gradient
        if let tokens = batch.texts {
            let (said, savedTexts) = texts.forward(tokens, p)
            let windows = Windows(frames: embeddings, valid: [Int](repeating: 1, count: F), width: D)
            let (cosines, made) = Cosines.forward(said, windows)
            let own = scores.own(cosines, truth: batch.truth, videos: F, share: 1, p, &g)
            let decided = scores.decided(cosines, truth: batch.truth, weights: weights, share: 1, p, &g)
            let dCosines = zip(own.gradient, decided.gradient).map { $0 + $1 }
            let gradients = Cosines.backward(dCosines, windows, made)
            let textLength = LengthLoss.evaluate(said, width: D)
            let length = LengthLoss.evaluate(embeddings, width: D)
            losses.parts += [
                ("own", own.loss), ("decided", decided.loss), ("length", length.loss + textLength.loss),
            ]
            var dTexts = gradients.texts
            add(textLength.gradient, to: &dTexts)
            add(gradients.frames, to: &dEmbeddings)
            add(length.gradient, to: &dEmbeddings)
            texts.backward(dTexts, tokens, savedTexts, downTo: nil, p, &g)
        }
        var dHidden = [Real](repeating: 0, count: saved.hidden.count)
        for frame in 0..<F {
            let (to, from) = (frame * all + W, frame * some)
            for index in 0..<some { dHidden[to + index] = dPatches[from + index] }
        }
        images.backward(dEmbeddings, saved, dHidden: dHidden, downTo: nil, p, &g)
        losses.gradient = g
        return losses
    }

    /// Returns the weight of each (text, picture) pair in `DecidedPairLoss`.
    ///
    /// Tests keep the weights constant while they check gradients numerically.
    package func decidedWeights<Real: ProductScalar>(_ batch: PictureBatch<Real>, _ p: [Real]) -> [Real] {
        guard let tokens = batch.texts else { return [] }
        let embeddings = images.forward(batch.pictures, window: 1, p).embeddings
        let valid = [Int](repeating: 1, count: embeddings.count / shape.embedding)
        let windows = Windows(frames: embeddings, valid: valid, width: shape.embedding)
        let cosines = Cosines.forward(texts.forward(tokens, p).embeddings, windows).cosines
        return DecidedPairLoss.weights(scores.logits(cosines, p), truth: batch.truth)
    }
}

/// A loss that keeps an embedding's length near the square root of its width, the scale that heads expect.
enum LengthLoss {
    static func evaluate<Real: ProductScalar>(_ x: [Real], width D: Int) -> (loss: Double, gradient: [Real]) {
        let rows = x.count / D
        let (wanted, share) = (Real(D).squareRoot(), 0.001 / Real(max(rows, 1)))
        var (loss, gradient) = (0.0, x)
        for row in 0..<rows {
            let range = row * D..<(row + 1) * D
            let length = Real(Real.squares(x, range)).squareRoot()
            loss += Double(share * (length - wanted) * (length - wanted))
            let factor = 2 * share * (length - wanted) / max(length, 1e-6)
            for index in range { gradient[index] *= factor }
        }
        return (loss, gradient)
    }
}

/// The losses of a head's cosines between texts and videos.
///
/// `own` contrasts each video's own text with false ones; `decided` separates all true from all false pairs by a learnt
/// threshold.
struct PairScores: Sendable {
    private let sharedScale: Int
    private let scale: Int
    private let bias: Int

    init(_ layout: inout ParameterLayout, scale shared: Int, name: String) {
        sharedScale = shared
        scale = layout.claim("side.pairs.\(name).scale", [])
        bias = layout.claim("side.pairs.\(name).bias", [])
    }

    /// Returns the loss that contrasts each video's own text with false texts (`OwnPairLoss`), times `share`.
    ///
    /// `gradient` is the loss's gradient with respect to the cosines `[N, V]`.
    func own<Real: ProductScalar>(
        _ cosines: [Real], truth: [Float], videos V: Int, share: Real, _ p: [Real], _ g: inout [Real]
    ) -> (loss: Double, gradient: [Real]) {
        let factor = Real.exponential(p[sharedScale])
        let (loss, dScores) = OwnPairLoss.evaluate(cosines.map { $0 * factor }, truth: truth, videos: V)
        var dScale: Real = 0
        for (d, cosine) in zip(dScores, cosines) { dScale += d * cosine * factor }
        g[sharedScale] += share * dScale
        return (Double(share) * loss, dScores.map { $0 * factor * share })
    }

    func logits<Real: ProductScalar>(_ cosines: [Real], _ p: [Real]) -> [Real] {
        let factor = Real.exponential(p[scale])
        return cosines.map { $0 * factor + p[bias] }
    }

    /// Returns the loss that separates true from false (text, video) pairs (`DecidedPairLoss`), times `share`.
    ///
    /// `gradient` is the loss's gradient with respect to the cosines `[N, V]`. If `weights` is nil, the pairs' weights
    /// are computed.
    func decided<Real: ProductScalar>(
        _ cosines: [Real], truth: [Float], weights: [Real]? = nil, share: Real, _ p: [Real], _ g: inout [Real]
    ) -> (loss: Double, gradient: [Real]) {
        let factor = Real.exponential(p[scale])
        let logits = logits(cosines, p)
        let (loss, dLogits) = DecidedPairLoss.evaluate(
            logits, truth: truth, weights: weights ?? DecidedPairLoss.weights(logits, truth: truth))
        var (dScale, dBias): (Real, Real) = (0, 0)
        for (d, cosine) in zip(dLogits, cosines) {
            dScale += d * cosine * factor
            dBias += d
        }
        g[scale] += share * dScale
        g[bias] += share * dBias
        return (Double(share) * loss, dLogits.map { $0 * factor * share })
    }
}
