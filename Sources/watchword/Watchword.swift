import ArgumentParser
import Commands
import Daemon
import DaemonCommands
import Foundation
import LabCommands
import Printing
import StreamSources

/// `watchword`: the root command, of which all others are subcommands.
@main
struct Watchword: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watchword", abstract: "Watches video for events that are described in words.",
        version: watchwordVersion,
        subcommands: [
            Watch.self, Index.self, Search.self, HistoryCommand.self, Embed.self, Tokenize.self, Query.self,
            Stream.self, Events.self, NotifyCommand.self, FleetCommand.self, Status.self,
            Model.self, Head.self, Bench.self, Train.self, Eval.self, WorldCommand.self, Doctor.self,
            Keygen.self,
        ])

    static func main() async {
        StandardStream.reserve()
        // Writing to a file beyond its size limit gives an error, which is printed, instead of the signal SIGXFSZ.
        signal(SIGXFSZ, SIG_IGN)
        let arguments = CommandLine.arguments
        ProcessArguments.hideSecrets()
        await RootCommand.run(Watchword.self, TextArguments.named(Array(arguments.dropFirst())), program: "watchword")
    }
}
