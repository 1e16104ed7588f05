import ArgumentParser
import Foundation
import Ingest
import Watchtower

/// The command line: thin; each command is a file.
@main
struct Watchword: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watchword", abstract: "Watches video for events that are described in words.",
        version: watchwordVersion,
        subcommands: [
            Watch.self, Embed.self, Tokenize.self, Query.self, Stream.self, Events.self, Status.self, Model.self,
            Head.self, Bench.self, Train.self, Eval.self, WorldCommand.self, Doctor.self,
        ])

    static func main() async {
        let arguments = CommandLine.arguments
        ProcessArguments.hideSecrets(arguments)
        await main(Array(arguments.dropFirst()))
    }
}
