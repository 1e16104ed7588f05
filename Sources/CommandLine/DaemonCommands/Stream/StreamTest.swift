import ArgumentParser
import CommandSupport
import Foundation
import StreamSources
import Trials
import WatchwordConfiguration
import WireFormat

extension Stream {
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open a source for some seconds: what plays, or why nothing does. No stream is added.",
            discussion: "The daemon opens it, by the rules of stream add. Exit code 66 if it does not play.",
            aliases: ["try"])
        @Argument(help: "Its URI.") var uri: String
        @Option(
            help: "A name in the configuration's credentials, which are bound to hosts; the URI has no password then.")
        var credentials: String?
        @OptionGroup var connection: ConnectionOptions
        @Option(help: "A file for the first picture, a JPEG of at most 320 pixels a side.") var picture: String?
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let uri = uri.contains("://") ? uri : URL(filePath: uri).standardizedFileURL.path
                var stream = StreamConfiguration(name: "tried", uri: uri)
                stream.credentials = credentials
                (stream.transport, stream.tls) = (connection.transport, connection.tls)
                guard case .object(var keys) = try JSONValue(encoding: stream) else { return }
                keys["name"] = nil
                let answer = try daemon.ask("stream.test", .object(keys))
                let found = try answer.decoded(as: StreamTested.self)
                if let picture, let jpeg = found.picture { try FileWriter.write(jpeg, to: picture) }
                if daemon.json { try Terminal.say(json: answer) } else if found.plays { Terminal.say(found.line) }
                guard found.plays else { throw SourceError(found.reason ?? "it does not play") }
            }
        }
    }
}

extension StreamTested {
    /// A line for people that says what plays.
    fileprivate var line: String {
        let size = width.flatMap { width in height.map { "\(width)x\($0)" } }
        let rate = fps.map { String(format: "%.4g frames a second", $0) }
        let way = decoder.map { "decoded by \($0)" }
        let first = seconds.map { String(format: "first picture after %.1f s", $0) }
        let parts = [codec, size, rate, live == true ? "live" : "with an end", way, first].compactMap(\.self)
        return "plays: " + parts.joined(separator: ", ")
    }
}
