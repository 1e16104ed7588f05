package import ArgumentParser

/// `watchword events`: prints and marks events of the running daemon.
package struct Events: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "Events of the running daemon: from the journal, as they happen, or both without a gap.",
        subcommands: [Show.self, Mark.self], defaultSubcommand: Show.self)

    package init() {}
}
