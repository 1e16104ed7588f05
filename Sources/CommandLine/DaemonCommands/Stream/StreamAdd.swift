import ArgumentParser
import CommandSupport
import Foundation
import StreamSources
import WatchwordConfiguration
import WireFormat

extension Stream {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a stream, or replace the one of this name.",
            discussion: "A stream that is described as before goes on undisturbed.",
            aliases: ["new", "create"])
        @Argument(help: "Its name.") var name: String
        @Argument(help: "Its URI.") var uri: String
        @Option(parsing: .unconditional, help: "Sampled frames a second.") var fps: Double?
        @Option(help: "What of a live source is decoded: all, keyframes, or auto.") var decode: DecodeMode?
        @Option(
            parsing: .unconditional,
            help: "Levels by which a block of the picture must change for a frame to be embedded anew; off by default.")
        var gate: Double?
        @Option(name: .long, help: "A word that queries may select it by.") var label: [String] = []
        @Option(
            help: "A name in the configuration's credentials, which are bound to hosts; the URI has no password then.")
        var credentials: String?
        @OptionGroup var connection: ConnectionOptions
        @Option(parsing: .unconditional, help: "Seconds that a live source may take to send anything; 10 by default.")
        var connect: Double?
        @Option(
            parsing: .unconditional,
            help: "Seconds without anything from a live source until it is opened again; 10 by default.")
        var stall: Double?
        @Option(parsing: .unconditional, help: "Seconds until a live source is first opened again; 1 by default.")
        var backoffFirst: Double?
        @Option(parsing: .unconditional, help: "Most seconds until a live source is opened again; 30 by default.")
        var backoffMost: Double?
        @Flag(help: "Play a file at its own speed.") var realtime = false
        @Flag(help: "Play a file again and again.") var loop = false
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                // The daemon has another working directory, so it gets an absolute path.
                let uri = uri.contains("://") ? uri : URL(filePath: uri).standardizedFileURL.path
                var stream = StreamConfiguration(name: name, uri: uri, fps: fps, realtime: realtime, loop: loop)
                stream.decode = decode
                stream.gate = gate
                stream.labels = label.isEmpty ? nil : label
                stream.credentials = credentials
                (stream.transport, stream.tls) = (connection.transport, connection.tls)
                (stream.connect, stream.stall) = (connect, stall)
                if backoffFirst != nil || backoffMost != nil {
                    stream.backoff = .init(first: backoffFirst, most: backoffMost)
                }
                let result = try daemon.ask("stream.add", JSONValue(encoding: stream))
                if daemon.json { return try Terminal.say(json: result) }
                let change = result["change"]?.string
                Terminal.say(change == "unchanged" ? "\(name) goes on as it was" : "\(change ?? "added") \(name)")
            }
        }
    }
}
