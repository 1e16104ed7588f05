import ArgumentParser
import Messaging

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "What the daemon is doing, as JSON.")
    @OptionGroup var daemon: DaemonOptions

    func run() async throws {
        try await Exit.guarding { try Terminal.say(json: daemon.ask("status")) }
    }
}
