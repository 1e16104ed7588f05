package import ArgumentParser

/// `watchword train`: trains on the user's clips (the default), or with a subcommand on generated scenes.
package struct Train: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "Train a head or whole model, on clips of one's own or on the shapes world.",
        subcommands: [TrainClips.self, TrainTowers.self, TrainHeads.self], defaultSubcommand: TrainClips.self)

    package init() {}
}
