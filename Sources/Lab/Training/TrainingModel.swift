package import Tensors

/// The kind of head, the part of the model that turns frame embeddings and a text into a score.
package enum HeadKind: String, Sendable, CaseIterable {
    case mean, lstm, transformer, tight
}

/// The sizes of a head, the part of the model that turns frame embeddings and a text into a score.
package struct HeadShape: Sendable, Equatable {
    package var kind: HeadKind
    /// The sizes of the head's transformer blocks; their width is that of CLIP's joint embedding space.
    ///
    /// Heads without blocks use only the width.
    package var stack: StackShape
    /// The number of rows in the head's table of position embeddings.
    package var positions: Int

    package init(kind: HeadKind, stack: StackShape, positions: Int) {
        (self.kind, self.stack, self.positions) = (kind, stack, positions)
    }
}

/// A training batch of texts and videos, in which text i describes video i.
package struct TrainingBatch<Real: ProductScalar>: Sendable {
    package enum Texts: Sendable {
        case tokens(TokenBatch)
        /// Text embeddings `[N, D]`, already computed by a frozen text tower.
        case embeddings([Real])
    }
    package enum Frames: Sendable {
        /// Normalised pictures `[V, T, 3, R, R]`: T frames of V videos.
        case pictures([Real])
        /// Frame embeddings `[V, T, D]`, already computed by a frozen image tower.
        case embeddings([Real])
    }
    package let texts: Texts
    package let frames: Frames
    /// The number of valid frames of each video; the remaining ones are padding.
    package let valid: [Int]

    package init(texts: Texts, frames: Frames, valid: [Int]) {
        (self.texts, self.frames, self.valid) = (texts, frames, valid)
    }
}

/// CLIP4Clip's training model: CLIP's towers, one head, the contrastive loss, and all gradients.
package struct TrainingModel: Sendable {
    package let layout: ParameterLayout
    package let head: HeadShape
    private let images: ImageTower?
    private let texts: TextTower?
    private let part: Part

    private enum Part: Sendable {
        case mean(LooseScore)
        case lstm(LSTMHead, LooseScore)
        case transformer(TransformerHead, LooseScore)
        case tight(TightHead)
    }

    /// Makes the model; a tower without a shape is frozen, and batches then contain embeddings instead of its input.
    package init(head: HeadShape, images: ImageShape? = nil, texts: TextShape? = nil) {
        var layout = ParameterLayout()
        self.head = head
        self.images = images.map { ImageTower(&layout, $0) }
        self.texts = texts.map { TextTower(&layout, $0) }
        part =
            switch head.kind {
            case .mean: .mean(LooseScore(&layout))
            case .lstm: .lstm(LSTMHead(&layout, width: head.stack.width), LooseScore(&layout))
            case .transformer:
                .transformer(
                    TransformerHead(&layout, head.stack, positions: head.positions), LooseScore(&layout))
            case .tight: .tight(TightHead(&layout, head.stack, positions: head.positions))
            }
        self.layout = layout
    }

    /// True if an image patch also covers the frames before and after its own (3D patches).
    package var isSpatiotemporal: Bool { images?.isSpatiotemporal ?? false }

    /// Returns the batch with texts and pictures replaced by their embeddings, which need less memory.
    @specialized(where Real == Float)
    package func embedded<Real: ProductScalar>(_ batch: TrainingBatch<Real>, _ p: [Real]) -> TrainingBatch<Real> {
        TrainingBatch(
            texts: .embeddings(embed(batch.texts, p).0), frames: .embeddings(embed(batch, p).0), valid: batch.valid)
    }

    /// Returns a batch's loss, and its gradient with respect to every parameter.
    ///
    /// Gradients of frozen parameters are undefined. `dropout` applies to the input embeddings of the tight head only.
    @specialized(where Real == Float)
    package func evaluate<Real: ProductScalar>(
        _ batch: TrainingBatch<Real>, _ p: [Real], freezing: Freezing = .none,
        dropout: (probability: Double, seed: UInt64)? = nil
    ) -> (loss: Double, gradient: [Real]) {
        let D = head.stack.width
        var g = [Real](repeating: 0, count: layout.count)
        let (texts, savedTexts) = embed(batch.texts, p)
        let (frames, savedFrames) = embed(batch, p)
        let windows = Windows(frames: frames, valid: batch.valid, width: D)
        let count = batch.valid.count
        var loss = 0.0
        let dTexts: [Real]
        let dFrames: [Real]
        func score(_ loose: LooseScore, _ frames: [Real]) -> (texts: [Real], frames: [Real]) {
            let pooled = Windows(frames: frames, valid: batch.valid, width: D)
            let (scores, saved) = loose.forward(texts, pooled, p)
            let (value, dScores) = ContrastiveLoss.evaluate(scores, count: count)
            loss = value
            return loose.backward(dScores, pooled, saved, p, &g)
        }
        switch part {
        case .mean(let loose): (dTexts, dFrames) = score(loose, frames)
        case .lstm(let lstm, let loose):
            let (made, saved) = lstm.forward(windows, p)
            let gradients = score(loose, made)
            dTexts = gradients.texts
            dFrames = lstm.backward(gradients.frames, windows, saved, p, &g)
        case .transformer(let transformer, let loose):
            let (made, saved) = transformer.forward(windows, p)
            let gradients = score(loose, made)
            dTexts = gradients.texts
            dFrames = transformer.backward(gradients.frames, windows, saved, p, &g)
        case .tight(let tight):
            let drop = dropout.map { TightHead.Dropout(probability: $0.probability, seed: $0.seed) }
            let scores = tight.forward(texts, windows, dropout: drop, p)
            let (value, dScores) = ContrastiveLoss.evaluate(scores, count: count)
            loss = value
            (dTexts, dFrames) = tight.backward(dScores, texts, windows, dropout: drop, p, &g)
        }
        if case .tokens(let tokens) = batch.texts, let savedTexts {
            self.texts?.backward(dTexts, tokens, savedTexts, downTo: freezing.lowest, p, &g)
        }
        if let savedFrames { images?.backward(dFrames, savedFrames, downTo: freezing.lowest, p, &g) }
        return (loss, g)
    }

    /// Returns the scores `[N, V]` of every text with every video of a batch, without dropout.
    @specialized(where Real == Float)
    package func scores<Real: ProductScalar>(_ batch: TrainingBatch<Real>, _ p: [Real]) -> [Real] {
        let texts = embed(batch.texts, p).0
        let windows = Windows(frames: embed(batch, p).0, valid: batch.valid, width: head.stack.width)
        func score(_ loose: LooseScore, _ frames: [Real]) -> [Real] {
            loose.forward(texts, Windows(frames: frames, valid: batch.valid, width: windows.width), p).scores
        }
        return switch part {
        case .mean(let loose): score(loose, windows.frames)
        case .lstm(let lstm, let loose): score(loose, lstm.forward(windows, p).frames)
        case .transformer(let transformer, let loose): score(loose, transformer.forward(windows, p).frames)
        case .tight(let tight): tight.forward(texts, windows, p)
        }
    }

    private func embed<Real: ProductScalar>(
        _ input: TrainingBatch<Real>.Texts, _ p: [Real]
    ) -> ([Real], TextTower.Saved<Real>?) {
        switch input {
        case .embeddings(let known): return (known, nil)
        case .tokens(let tokens):
            guard let texts else { preconditionFailure("tokens need a text tower") }
            return texts.forward(tokens, p)
        }
    }

    private func embed<Real: ProductScalar>(
        _ batch: TrainingBatch<Real>, _ p: [Real]
    ) -> ([Real], ImageTower.Saved<Real>?) {
        switch batch.frames {
        case .embeddings(let known): return (known, nil)
        case .pictures(let pictures):
            guard let images, !batch.valid.isEmpty else { preconditionFailure("pictures need an image tower") }
            return images.forward(pictures, window: images.window(of: pictures.count, videos: batch.valid.count), p)
        }
    }
}
