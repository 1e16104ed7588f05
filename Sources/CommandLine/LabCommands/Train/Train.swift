package import ArgumentParser

/// `watchword train`: trains on clips, or with a subcommand on the shapes world.
package struct Train: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "Train a head or whole model, on clips of one's own or on the shapes world.",
        subcommands: [TrainClips.self, TrainTowers.self, TrainHeads.self], defaultSubcommand: TrainClips.self)

    package init() {}
}
