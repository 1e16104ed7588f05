import Foundation
package import Tensors

/// A batch to train heads on: frame embeddings of windows (short runs of frames), and texts of known truth.
///
/// The windows show generated scenes, so it is known which text is true of which window.
package struct WindowBatch<Real: ProductScalar>: Sendable {
    /// The frame embeddings `[V, T, D]`: T frames of V windows.
    package let frames: [Real]
    /// The tokenised texts: text i describes window i; the texts after the first V are additional, true or false.
    package let texts: TokenBatch
    /// The truth of each text for each window, `[texts, V]`: 0 false, 1 true, 0.5 undecided.
    package let truth: [Float]
    /// True for each text whose truth a single frame can show; the mean head, which ignores order, learns mostly these.
    package let isStanding: [Bool]
    /// The class of each text in each slot (a property that a text can state); nil for slots that are ignored.
    package let said: [[Int?]]
    package let questions: [ActionQuestion]
    /// The truth of each state of the scene in each window, `[V, states]`: 0 false, 1 true, 0.5 undecided.
    package let whole: [Float]
    /// The seed of the batch's random choices: the tight head's training pairs, and its dropout.
    package let seed: UInt64

    package init(
        frames: [Real], texts: TokenBatch, truth: [Float], isStanding: [Bool], said: [[Int?]],
        questions: [ActionQuestion], whole: [Float], seed: UInt64
    ) {
        (self.frames, self.texts, self.truth, self.isStanding) = (frames, texts, truth, isStanding)
        (self.said, self.questions, self.whole, self.seed) = (said, questions, whole, seed)
    }
}

/// The text tower and all four heads, which are trained together on embeddings of a frozen image tower.
///
/// A head is the part of the model that turns frame embeddings and a text into a score.
package struct HeadsModel: Sendable {
    /// The numbers of classes of the auxiliary losses.
    ///
    /// `kinds` counts shapes and colours, `actions` actions, `states` states of a scene, and `slots` has the number of
    /// classes of each property that a text can state.
    package struct Tasks: Sendable {
        package var kinds: (shapes: Int, colours: Int)
        package var actions: Int
        package var states: Int
        package var slots: [Int]

        package init(kinds: (shapes: Int, colours: Int), actions: Int, states: Int, slots: [Int]) {
            (self.kinds, self.actions, self.states, self.slots) = (kinds, actions, states, slots)
        }
    }

    package let layout: ParameterLayout
    let D: Int
    let texts: TextTower
    let lstm: LSTMHead
    let transformer: TransformerHead
    let tight: TightHead
    private let scores: (mean: PairScores, lstm: PairScores, transformer: PairScores)
    private let actions: (lstm: ActionTask, transformer: ActionTask, tight: ActionTask)
    private let statementTask: StatementTask

    package init(texts shape: TextShape, heads: StackShape, positions: Int, tasks: Tasks) {
        var layout = ParameterLayout()
        D = shape.embedding
        texts = TextTower(&layout, shape)
        let scale = layout.claim("clip.logit_scale", [])
        lstm = LSTMHead(&layout, width: shape.embedding)
        transformer = TransformerHead(&layout, heads, positions: positions)
        tight = TightHead(&layout, heads, positions: positions)
        func pairs(_ name: String) -> PairScores { PairScores(&layout, scale: scale, name: name) }
        scores = (pairs("mean"), pairs("lstm"), pairs("transformer"))
        func action(_ head: HeadKind) -> ActionTask {
            ActionTask(
                &layout, head.rawValue, width: shape.embedding, kinds: tasks.kinds, actions: tasks.actions,
                states: tasks.states)
        }
        actions = (action(.lstm), action(.transformer), action(.tight))
        statementTask = StatementTask(&layout, width: shape.embedding, slots: tasks.slots)
        self.layout = layout
    }

    /// The choices on which a batch's losses depend, such as the pairs that the tight head is trained on.
    ///
    /// Tests keep them constant while they check gradients numerically.
    package struct Choices<Real: ProductScalar>: Sendable {
        var pairs: [(text: Int, video: Int)] = []
        var weights: [[Real]] = []
    }

    /// Returns a batch's losses and gradients, and the random choices made for them.
    ///
    /// `side` is the weight of the auxiliary losses. If `choices` is nil, new choices are made. `p` holds all
    /// parameters.
    @specialized(where Real == Float)
    package func evaluate<Real: ProductScalar>(
        _ batch: WindowBatch<Real>, side: Double, choices given: Choices<Real>? = nil, _ p: [Real]
    ) -> (losses: Losses<Real>, choices: Choices<Real>) {
        var g = [Real](repeating: 0, count: layout.count)
        var losses = Losses<Real>(gradient: [])
        var choices = given ?? Choices()
        let (said, savedTexts) = texts.forward(batch.texts, p)
        let V = batch.truth.count / batch.isStanding.count
        let T = batch.frames.count / (V * D)
        let windows = Windows(frames: batch.frames, valid: [Int](repeating: T, count: V), width: D)
        let share = Real(side)
        let saidLoss = statementTask.evaluate(said, said: batch.said, share: share, p, &g)
        let length = LengthLoss.evaluate(said, width: D)
        losses.parts = [("said", saidLoss.loss), ("length", length.loss)]
        var dTexts = saidLoss.gradient
        add(length.gradient, to: &dTexts)

        func weights(_ number: Int, _ make: () -> [Real]) -> [Real] {
            if given == nil { choices.weights.append(make()) }
            return choices.weights[number]
        }
        let meanGradient = learnMean(batch, said, windows, weights, &losses, p, &g)
        add(meanGradient, to: &dTexts)

        var lstmCosines: [Real] = []
        func learn(
            _ name: String, _ number: Int, _ frames: [Real], _ scores: PairScores, _ task: ActionTask
        ) -> [Real] {
            let pooled = Windows(frames: frames, valid: windows.valid, width: D)
            let (cosines, made) = Cosines.forward(said, pooled)
            if name == "lstm" { lstmCosines = cosines }
            let logits = scores.logits(cosines, p)
            let own = scores.own(cosines, truth: batch.truth, videos: V, share: 1, p, &g)
            let decided = scores.decided(
                cosines, truth: batch.truth,
                weights: weights(number) { DecidedPairLoss.weights(logits, truth: batch.truth) }, share: 1, p, &g)
            let action = task.evaluate(
                made.videos.unit, batch.questions, whole: batch.whole, share: share, p, &g)
            losses.parts += [(name, own.loss + decided.loss), ("\(name) actions", action.loss)]
            let dCosines = zip(own.gradient, decided.gradient).map { $0 + $1 }
            let gradients = Cosines.backward(dCosines, pooled, made, dVideos: action.gradient)
            add(gradients.texts, to: &dTexts)
            return gradients.frames
        }
        let (lstmFrames, savedLSTM) = lstm.forward(windows, p)
        let dLSTM = learn("lstm", 2, lstmFrames, scores.lstm, actions.lstm)
        _ = lstm.backward(dLSTM, windows, savedLSTM, p, &g)
        let (transformed, savedTransformer) = transformer.forward(windows, p)
        let dTransformer = learn("transformer", 3, transformed, scores.transformer, actions.transformer)
        _ = transformer.backward(dTransformer, windows, savedTransformer, p, &g)

        if given == nil { choices.pairs = TightPairs.choose(lstmCosines.map { Float($0) }, batch.truth, V, batch.seed) }
        let tightLoss = learnTight(batch, said, windows, choices.pairs, weights, share, &losses, p, &g)
        add(tightLoss, to: &dTexts)
        texts.backward(dTexts, batch.texts, savedTexts, downTo: nil, p, &g)
        losses.gradient = g
        return (losses, choices)
    }

    /// Adds the mean head's losses to `losses` and its parameters' gradient to `g`; returns the gradient with respect
    /// to `said`.
    ///
    /// `said` has the texts' embeddings. The mean head does not see the order of frames: the loss over the texts whose
    /// truth one frame can show ("a red circle") has the weight 1, each of the two losses over all texts 0.15.
    /// `weights` takes the number of a loss and a function that computes the weights of its pairs, and returns the
    /// weights to use.
    private func learnMean<Real: ProductScalar>(
        _ batch: WindowBatch<Real>, _ said: [Real], _ windows: Windows<Real>,
        _ weights: (Int, () -> [Real]) -> [Real], _ losses: inout Losses<Real>, _ p: [Real], _ g: inout [Real]
    ) -> [Real] {
        let V = windows.valid.count
        let (cosines, made) = Cosines.forward(said, windows)
        let standing = batch.truth.indices.map { batch.isStanding[$0 / V] ? batch.truth[$0] : 0.5 }
        let logits = scores.mean.logits(cosines, p)
        let own = scores.mean.own(cosines, truth: batch.truth, videos: V, share: 0.15, p, &g)
        let most = scores.mean.decided(
            cosines, truth: standing, weights: weights(0) { DecidedPairLoss.weights(logits, truth: standing) },
            share: 1, p, &g)
        let rest = scores.mean.decided(
            cosines, truth: batch.truth, weights: weights(1) { DecidedPairLoss.weights(logits, truth: batch.truth) },
            share: 0.15, p, &g)
        losses.parts.append(("mean", own.loss + most.loss + rest.loss))
        let dMean = own.gradient.indices.map { own.gradient[$0] + most.gradient[$0] + rest.gradient[$0] }
        return Cosines.backward(dMean, windows, made).texts
    }

    /// Adds the tight head's losses on `pairs` to `losses` and its parameters' gradient to `g`; returns the gradient
    /// with respect to the texts' embeddings `said`.
    ///
    /// `share` is the weight of the auxiliary loss on actions; `weights` is as in `learnMean`.
    private func learnTight<Real: ProductScalar>(
        _ batch: WindowBatch<Real>, _ said: [Real], _ windows: Windows<Real>, _ pairs: [(text: Int, video: Int)],
        _ weights: (Int, () -> [Real]) -> [Real], _ share: Real, _ losses: inout Losses<Real>, _ p: [Real],
        _ g: inout [Real]
    ) -> [Real] {
        let (V, T) = (windows.valid.count, windows.length)
        let (S, each) = (T + 1, pairs.count / V)
        let made = tight.pass(
            pairs, said, windows, dropout: .init(probability: 0.05, seed: batch.seed), p)
        let truth = pairs.map { batch.truth[$0.text * V + $0.video] }
        // Each window's own text, the first of its pairs, competes with its false texts in a cross entropy.
        var dScores = [Real](repeating: 0, count: pairs.count)
        var loss = 0.0
        for video in 0..<V {
            let places = (video * each..<(video + 1) * each).filter { $0 == video * each || truth[$0] == 0 }
            let (value, gradient) = CrossEntropy.evaluate(
                places.map { made.scores[$0] }, classes: [0], of: places.count)
            loss += value / Double(V)
            for (place, d) in zip(places, gradient) { dScores[place] += d / Real(V) }
        }
        let decided = DecidedPairLoss.evaluate(
            made.scores, truth: truth, weights: weights(4) { DecidedPairLoss.weights(made.scores, truth: truth) })
        add(decided.gradient, to: &dScores)
        // The window's vector: the mean of its frames' output tokens, in the pair with the window's own text.
        var vectors = [Real](repeating: 0, count: V * D)
        for video in 0..<V {
            for token in 1..<S {
                let at = (video * each * S + token) * D
                for column in 0..<D { vectors[video * D + column] += made.hidden[at + column] / Real(T) }
            }
        }
        let action = actions.tight.evaluate(vectors, batch.questions, whole: batch.whole, share: share, p, &g)
        let name = HeadKind.tight.rawValue
        losses.parts += [(name, loss + decided.loss), ("\(name) actions", action.loss)]
        var dHidden = [Real](repeating: 0, count: made.hidden.count)
        for video in 0..<V {
            for token in 1..<S {
                let at = (video * each * S + token) * D
                for column in 0..<D { dHidden[at + column] = action.gradient[video * D + column] / Real(T) }
            }
        }
        var dTexts = [Real](repeating: 0, count: said.count)
        var dFrames = [Real](repeating: 0, count: windows.frames.count)
        tight.backward(dScores, made, dHidden: dHidden, T: T, texts: &dTexts, frames: &dFrames, p, &g)
        return dTexts
    }
}
