import ArgumentParser
import CommandSupport
import Foundation
import TrainingRuns

/// `watchword train heads`: trains the text tower and all heads on generated scenes, with a frozen image tower.
struct TrainHeads: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "heads",
        abstract: "Train the text tower and all heads together, on the shapes world seen by a frozen image tower.",
        discussion: """
            Runs of 16 frames are embedded once and kept in the work directory; windows are cut from them. Every batch has \
            the windows' own captions and a near miss of each (one thing or the direction changed). Side tasks (what does \
            the thing of a given look do, what does the caption say) help, and are not written.
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var options: StepOptions
    @Option(parsing: .unconditional, help: "Runs of frames that windows are cut from.")
    var runs = 10_000
    @Option(help: "Where the runs' embeddings are kept.")
    var work: String
    @Option(parsing: .unconditional, help: "Blocks of the transformer and tight heads.")
    var layers = 2
    @Option(parsing: .unconditional, help: "The weight of the side tasks.")
    var side = 0.5

    func validate() throws {
        if !(1...10_000_000).contains(runs) { throw ValidationError("--runs must be 1 or more") }
        if !(1...64).contains(layers) { throw ValidationError("--layers must be 1 to 64") }
        if !(side >= 0 && side.isFinite) { throw ValidationError("--side must be 0 or more") }
    }

    func run() async throws {
        try await Exit.guarding {
            let settings = options.settings
            try settings.prepare()
            let training = try HeadsTraining(
                model.directory(), settings, precision: model.precision, runs: runs, work: URL(filePath: work),
                layers: layers, side: side)
            let lines = TrainingLines(json: options.json)
            try await runInterruptibly(checkpoint: settings.checkpoint) { stop in
                try training.run(stop: stop, Terminal.reporter) { try lines.say($0, steps: settings.steps) }
            }
            if !options.json { Terminal.say("\(options.output): all heads, trained in \(options.steps) steps") }
        }
    }
}
