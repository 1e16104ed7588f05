package import ArgumentParser
import CommandSupport
import Fleet
import WireFormat

/// `watchword fleet`: shows and manages the fleet (several daemons that share streams) of the running daemon.
package struct FleetCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "fleet", abstract: "The fleet that the running daemon is a node of.",
        subcommands: [Status.self, Drain.self, Undrain.self, Move.self])

    package init() {}

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the nodes, the streams and where they run, as this node knows them.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("fleet.status")
                if daemon.json { return try Terminal.say(json: result) }
                FleetPage(try result.decoded(as: FleetStatus.self)).say()
            }
        }
    }

    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move a node's streams to others, and give it no more, until it is undrained.")
        @Argument(help: "The node's name.") var node: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("fleet.drain", .object(["node": .string(node)]))
                if daemon.json { return try Terminal.say(json: result) }
                Terminal.say("draining \(node); `watchword fleet status` shows when it is drained")
            }
        }
    }

    struct Undrain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a node take streams again.")
        @Argument(help: "The node's name.") var node: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("fleet.undrain", .object(["node": .string(node)]))
                if daemon.json { try Terminal.say(json: result) } else { Terminal.say("undrained \(node)") }
            }
        }
    }

    struct Move: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Move a stream to a node.")
        @Argument(help: "The stream's name.") var stream: String
        @Argument(help: "The node's name.") var node: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let args: JSONValue = .object(["stream": .string(stream), "node": .string(node)])
                let result = try daemon.ask("fleet.move", args)
                if daemon.json { try Terminal.say(json: result) } else { Terminal.say("moving \(stream) to \(node)") }
            }
        }
    }
}

/// Prints the fleet's status for people.
struct FleetPage {
    private let status: FleetStatus
    private let page = Page(names: 10)

    init(_ status: FleetStatus) { self.status = status }

    func say() {
        let live = status.nodes.count { $0.state != "gone" }
        let playing = status.streams.count { $0.state == "playing" }
        page.say(
            "fleet",
            "\(status.fleet): \(live) of \(status.nodes.count) nodes live, \(playing) of \(status.streams.count) "
                + "streams playing, \(status.queries) queries")
        page.say("this node", "\(status.node): \(says); the planner is \(status.planner ?? "nobody")")
        page.say(
            "log",
            "at \(status.head); \(status.waiting == 0 ? "no" : "\(status.waiting)") messages of this node wait for it")
        if let problem = status.problem { page.say("PROBLEM", problem) }
        for problem in status.problems { page.say("PROBLEM", problem) }
        if !status.nodes.isEmpty {
            Terminal.say("")
            Terminal.table(
                ["NODE", "STATE", "STREAMS", "PLAYING", "CPU", "WAITING", "LABELS"],
                status.nodes.map {
                    [
                        $0.name, $0.sheds ? "\($0.state), sheds" : $0.state, "\($0.streams)", "\($0.playing)",
                        $0.state == "gone" ? "" : "\(Self.number($0.cpu)) of \(Int($0.cores))", "\($0.waiting)",
                        $0.labels.joined(separator: " "),
                    ]
                })
        }
        guard !status.streams.isEmpty else { return }
        Terminal.say("")
        Terminal.table(
            ["STREAM", "STATE", "NODE", "EPOCH", "PLANNED"],
            status.streams.map {
                [
                    $0.name, $0.state, $0.node, $0.epoch > 0 ? "\($0.epoch)" : "",
                    $0.planned == $0.node ? "" : $0.planned,
                ]
            }, notes: status.streams.map(\.reason))
    }

    private var says: String {
        switch status.state {
        case "member": "takes part"
        case "cut-off": "CUT OFF from the engine; watches on, and what is below may be over"
        case "refused": "TAKES NO PART"
        default: "joining"
        }
    }

    private static func number(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
