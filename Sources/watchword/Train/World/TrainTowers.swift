import ArgumentParser
import Checkpoints
import CLIP
import Commands
import Foundation
import Tensors
import Training

/// `watchword train towers`: both towers from nothing, on pictures of the shapes world.
struct TrainTowers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "towers", abstract: "Train both towers from nothing, on pictures of the shapes world without end.",
        discussion: """
            Sizes and tokenizer are those of --like; its weights are not looked at. Captions say what stands in a picture; \
            the truth of each is known for every picture of a batch. Side tasks (what is under a patch, what is seen and \
            where) help, and are not written. The result has no heads: watchword train heads makes them.
            """)

    @Option(help: "The model directory whose sizes and tokenizer are taken.")
    var like: String
    @OptionGroup var options: StepOptions
    @Option(
        parsing: .unconditional,
        help: "The share of pictures with one large thing at first; none are after 15 % of the steps.")
    var plain = 0.8
    @Option(
        parsing: .unconditional,
        help: "The share of steps in which captions come only every fourth time: at first, pictures matter most.")
    var seldom = 0.35

    func validate() throws {
        if !(0...1).contains(plain) { throw ValidationError("--plain must be in 0...1") }
        if !(0...1).contains(seldom) { throw ValidationError("--seldom must be in 0...1") }
    }

    func run() async throws {
        try await Exit.guarding {
            try options.prepare()
            let directory = try ModelDirectory(URL(filePath: like))
            let architecture = directory.architecture
            let images = ImageShape(architecture, spatiotemporal: false)
            let model = TowersModel(images: images, texts: TextShape(architecture), kinds: WorldSlots.kinds)
            let start = FreshTowers.parameters(
                model.layout, images: images, texts: TextShape(architecture), seed: options.seed)
            let batches = PictureBatches(
                architecture: architecture, normalisation: directory.normalisation,
                tokenizer: try directory.tokenizer(), seed: options.seed, size: options.batch)
            let session = StepSession(
                layout: model.layout, options: options, data: "pictures, plain \(plain), seldom \(seldom)")
            let (steps, plain, seldom) = (Double(options.steps), plain, seldom)
            let result = try await StopSign.interruptible { stop in
                try session.run(from: start, factor: { _ in 1 }, stop: stop) { step, parameters in
                    let share = Double(step) / steps
                    let batch = batches.batch(
                        step: step, plain: plain * max(0, 1 - share / 0.15),
                        captions: share >= seldom || step % 4 == 0)
                    return model.evaluate(batch, side: share < 0.6 ? 1 : 0.5, parameters)
                }
            }
            guard let result else {
                Terminal.complain("interrupted; \(options.file.path) has the state, and --resume goes on")
                throw Exit.interrupted
            }
            try TrainedModel(
                source: directory, heads: [], isFresh: true, layout: model.layout, parameters: result.parameters
            ).write(to: options.place, replacing: options.force, extras: result.files)
            session.removeFiles()
            if !options.json { Terminal.say("\(options.output): towers, trained in \(options.steps) steps") }
        }
    }
}
