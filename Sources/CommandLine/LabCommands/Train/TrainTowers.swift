import ArgumentParser
import CLIP
import CommandSupport
import Foundation
import TrainingRuns

/// `watchword train towers`: trains both of CLIP's towers from nothing, on pictures of generated scenes.
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
            let settings = options.settings
            try settings.prepare()
            let training = TowersTraining(
                like: try ModelDirectory(URL(filePath: like)), settings, plain: plain, seldom: seldom)
            let lines = TrainingLines(json: options.json)
            try await runInterruptibly(checkpoint: settings.checkpoint) { stop in
                try training.run(stop: stop) { try lines.say($0, steps: settings.steps) }
            }
            if !options.json { Terminal.say("\(options.output): towers, trained in \(options.steps) steps") }
        }
    }
}
