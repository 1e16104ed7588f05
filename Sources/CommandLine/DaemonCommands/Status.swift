package import ArgumentParser
import CommandSupport
import Daemon
import WireFormat

/// `watchword status`: prints the state and the counters of the running daemon.
package struct Status: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(abstract: "What the daemon is doing, and has done.")
    @OptionGroup var daemon: DaemonOptions

    package init() {}

    package func run() async throws {
        try await Exit.guarding {
            let result = try daemon.ask("status")
            if daemon.json { return try Terminal.say(json: result) }
            StatusPage(try result.decoded(as: DaemonStatus.self)).say()
        }
    }
}
