package import CLIP
import Training

/// Trains both of CLIP's towers from nothing, on pictures of generated scenes.
package struct TowersTraining: Sendable {
    /// The model whose sizes and tokenizer are used; its weights are not read.
    private let like: ModelDirectory
    private let settings: StepSettings
    /// The share of plain pictures, with one large object, in the first step; it falls linearly to 0.
    private let plain: Double
    /// The share of all steps, at the beginning, in which only every fourth batch has captions.
    private let seldom: Double

    /// The share of all steps during which the share of plain pictures (with one large object) falls to 0.
    private static let plainSteps = 0.15
    /// The share of all steps after which the loss of `PatchTask` has half its weight.
    private static let fullSideSteps = 0.6

    package init(like: ModelDirectory, _ settings: StepSettings, plain: Double, seldom: Double) {
        (self.like, self.settings, self.plain, self.seldom) = (like, settings, plain, seldom)
    }

    /// Trains, writes the model and removes the checkpoint; returns false if `stop` ended it early.
    ///
    /// It blocks the calling thread.
    package func run(stop: StopFlag, report: (StepSession.Event) throws -> Void) throws -> Bool {
        let architecture = like.architecture
        let (images, texts) = (ImageShape(architecture, spatiotemporal: false), TextShape(architecture))
        let model = TowersModel(images: images, texts: texts, kinds: WorldSlots.kinds)
        let start = FreshTowers.parameters(model.layout, images: images, texts: texts, seed: settings.seed)
        let batches = PictureBatches(
            architecture: architecture, normalisation: like.normalisation, tokenizer: try like.tokenizer(),
            seed: settings.seed, size: settings.batch)
        let session = StepSession(
            layout: model.layout, settings: settings, data: "pictures, plain \(plain), seldom \(seldom)")
        let (steps, plain, seldom) = (Double(settings.steps), plain, seldom)
        let result = try session.run(from: start, factor: { _ in 1 }, stop: stop, report: report) { step, parameters in
            let share = Double(step) / steps
            let batch = batches.batch(
                step: step, plain: plain * max(0, 1 - share / Self.plainSteps),
                captions: share >= seldom || step % 4 == 0)
            return model.evaluate(batch, side: share < Self.fullSideSteps ? 1 : 0.5, parameters)
        }
        guard let result else { return false }
        try TrainedModel(source: like, heads: [], isFresh: true, layout: model.layout, parameters: result.parameters)
            .write(to: settings.destination, replacing: settings.force, extras: result.files)
        session.removeFiles()
        return true
    }
}
