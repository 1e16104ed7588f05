import ArgumentParser

/// `watchword head`: lists and inspects head plugins, which score windows of video for texts.
struct Head: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Head plugins.", subcommands: [List.self, Inspect.self, Probe.self, Remove.self],
        aliases: ["heads"])
}
