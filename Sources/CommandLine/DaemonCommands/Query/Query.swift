package import ArgumentParser

/// `watchword query`: manages the standing queries of the running daemon.
package struct Query: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "Standing queries of the running daemon.",
        subcommands: [
            Add.self, Edit.self, Enable.self, Disable.self, List.self, Show.self, Remove.self, Import.self, Export.self,
            Reset.self, Explain.self, Recalibrate.self, Test.self, Backtest.self,
            Suggest.self,
        ], aliases: ["queries"])

    package init() {}
}
