package import ArgumentParser

/// `watchword eval`: measures a model: retrieval of clips (the default), or detection of events.
package struct Eval: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "Measure a model: retrieval of clips, or events in videos.",
        subcommands: [EvalRetrieval.self, EvalEvents.self], defaultSubcommand: EvalRetrieval.self)

    package init() {}
}
