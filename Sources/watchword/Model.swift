import ArgumentParser

struct Model: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Model directories.", subcommands: [Convert.self, Inspect.self, List.self, Pull.self])
}
