import ArgumentParser

/// `watchword model`: lists, inspects, converts and downloads models.
struct Model: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Model directories.",
        subcommands: [Convert.self, Inspect.self, List.self, Pull.self, Remove.self], aliases: ["models"])
}
