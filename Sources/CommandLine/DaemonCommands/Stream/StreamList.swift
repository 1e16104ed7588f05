import ArgumentParser
import CommandSupport
import Daemon
import WireFormat

extension Stream {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the streams and what they are doing.", aliases: ["ls"])
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("stream.list")
                if daemon.json { return try Terminal.say(json: result) }
                let streams = try result.decoded(as: [StreamStatus].self)
                if streams.isEmpty { return Terminal.say("no streams; `watchword stream add NAME URI` adds one") }
                streams.table()
            }
        }
    }
}
