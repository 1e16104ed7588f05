import ArgumentParser
import Foundation
import Ingest
import Messaging
import Watchtower

struct Query: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Standing queries of the running daemon.",
        subcommands: [Add.self, List.self, Show.self, Remove.self, Test.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a standing query, or replace the one of this id.")
        @Argument(help: "The event, described in words.") var text: String
        @Option(name: .long, help: "Another way to say it; all are averaged.") var phrasing: [String] = []
        @Option(name: .long, help: "A prompt template, \"a photo of {}\"; several are averaged.") var prompt: [String] =
            []
        @Option(help: "Its id; made from the text, if left out.") var id: String?
        @Option(help: "The head.") var head: String?
        @Option(help: "Frames in a window.") var frames: Int?
        @Option(help: "Score that starts an event.") var threshold: Double?
        @Option(help: "How far below the threshold an event ends.") var hysteresis: Double?
        @Option(name: .long, help: "A stream or glob to watch; all, if left out.") var stream: [String] = []
        @Option(name: .long, help: "A tag for subscribers.") var tag: [String] = []
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                var query = QueryConfiguration(id: id, text: text, head: head, threshold: threshold)
                query.phrasings = phrasing.isEmpty ? nil : phrasing
                query.prompts = prompt.isEmpty ? nil : prompt
                query.frames = frames
                query.hysteresis = hysteresis
                query.streams = stream.isEmpty ? nil : stream
                query.tags = tag.isEmpty ? nil : tag
                let result = try daemon.ask("query.add", JSONValue(encoding: query))
                if daemon.json { return try Terminal.say(json: result) }
                if result["truncated"] == .bool(true) {
                    Terminal.complain("the text is longer than the model reads; the rest is ignored")
                }
                Terminal.say("added \(result["query"]?["id"]?.string ?? "")")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the standing queries.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("query.list")
                if daemon.json { return try Terminal.say(json: result) }
                let queries = try result.decoded(as: [QueryDescription].self)
                Terminal.table(
                    ["ID", "HEAD", "FRAMES", "THRESHOLD", "STREAMS", "TEXT"],
                    queries.map {
                        [
                            $0.id, $0.head, "\($0.frames)", $0.ruleInWords,
                            $0.streams.joined(separator: ","), $0.text,
                        ]
                    })
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one standing query.")
        @Argument(help: "Its id.") var id: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding { try Terminal.say(json: daemon.ask("query.get", .object(["id": .string(id)]))) }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a standing query; its open events end.")
        @Argument(help: "Its id.") var id: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("query.remove", .object(["id": .string(id)]))
                if daemon.json { try Terminal.say(json: result) } else { Terminal.say("removed \(id)") }
            }
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Score a text on each stream's newest window, without making it a standing query.")
        @Argument(help: "The event, described in words.") var text: String
        @Option(help: "The head.") var head: String?
        @Option(help: "Frames in a window.") var frames: Int?
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                var query = QueryConfiguration(text: text, head: head)
                query.frames = frames
                let result = try daemon.ask("query.test", JSONValue(encoding: query))
                if daemon.json { return try Terminal.say(json: result) }
                Terminal.table(
                    ["STREAM", "HEAD", "SCORE"],
                    (result.array ?? []).map { row in
                        let score: String =
                            switch row["score"] {
                            case .number(let value): String(format: "%.3f", value)
                            case .integer(let value): "\(value)"
                            default: "no full window yet"
                            }
                        return [row["stream"]?.string ?? "", row["head"]?.string ?? "", score]
                    })
            }
        }
    }
}

struct Stream: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Streams of the running daemon.", subcommands: [Add.self, List.self, Show.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a stream, or replace the one of this name.")
        @Argument(help: "Its name.") var name: String
        @Argument(help: "Its URI.") var uri: String
        @Option(help: "Sampled frames a second.") var fps: Double?
        @Option(help: "What of a live source is decoded: all, keyframes, or auto.") var decode: DecodeMode?
        @Option(
            help: "Levels by which a block of the picture must change for a frame to be embedded anew; off by default.")
        var gate: Double?
        @Flag(help: "Play a file at its own speed.") var realtime = false
        @Flag(help: "Play a file again and again.") var loop = false
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                // The daemon has another working directory than its user.
                let uri = uri.contains("://") ? uri : URL(filePath: uri).standardizedFileURL.path
                var stream = StreamConfiguration(name: name, uri: uri, fps: fps, realtime: realtime, loop: loop)
                stream.decode = decode
                stream.gate = gate
                let result = try daemon.ask("stream.add", JSONValue(encoding: stream))
                if daemon.json { try Terminal.say(json: result) } else { Terminal.say("added \(name)") }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the streams and what they are doing.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("stream.list")
                if daemon.json { return try Terminal.say(json: result) }
                let streams = try result.decoded(as: [StreamStatus].self)
                Terminal.table(
                    ["NAME", "STATE", "FPS", "DECODING", "SAMPLED", "UNCHANGED", "SHED", "DROPPED", "URI", "REASON"],
                    streams.map {
                        [
                            $0.name, $0.state, String(format: "%.3g", $0.effectiveFps), $0.decoding, "\($0.sampled)",
                            "\($0.gated)", "\($0.shed)", "\($0.dropped)", $0.uri, $0.reason ?? "",
                        ]
                    })
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one stream.")
        @Argument(help: "Its name.") var name: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                try Terminal.say(json: daemon.ask("stream.get", .object(["name": .string(name)])))
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a stream; its open events end.")
        @Argument(help: "Its name.") var name: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("stream.remove", .object(["name": .string(name)]))
                if daemon.json { try Terminal.say(json: result) } else { Terminal.say("removed \(name)") }
            }
        }
    }
}

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "What the daemon is doing, as JSON.")
    @OptionGroup var daemon: DaemonOptions

    func run() async throws {
        try await Exit.guarding { try Terminal.say(json: daemon.ask("status")) }
    }
}
