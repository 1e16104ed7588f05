import ArgumentParser

/// `watchword head`: the head plugins.
struct Head: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Head plugins.", subcommands: [List.self, Inspect.self, Probe.self, Remove.self],
        aliases: ["heads"])
}
