package import ArgumentParser
import CommandSupport
import Notify
import WireFormat

/// `watchword notify`: lists, tests and resumes the notifiers of the running daemon.
package struct NotifyCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "notify", abstract: "Notifiers of the running daemon.",
        subcommands: [Add.self, List.self, Test.self, Resume.self, Remove.self], aliases: ["notifiers"])

    package init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the notifiers and how they are doing.", aliases: ["ls"])
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("notify.list")
                if daemon.json { return try Terminal.say(json: result) }
                let notifiers = try result.decoded(as: [NotifierStatus].self)
                if notifiers.isEmpty {
                    return Terminal.say(
                        "no notifiers; the configuration's section notify names them, "
                            + "and `watchword notify add` adds one")
                }
                notifiers.table()
            }
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Send a test message now.")
        @Argument(help: "The notifier's name.") var name: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("notify.test", .object(["name": .string(name)]))
                if daemon.json { return try Terminal.say(json: result) }
                Terminal.say("the receiver of \(name) took it")
            }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Start a notifier again that was given up, or try one that fails at once.")
        @Argument(help: "The notifier's name.") var name: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("notify.resume", .object(["name": .string(name)]))
                if daemon.json { try Terminal.say(json: result) } else { Terminal.say("resumed \(name)") }
            }
        }
    }
}

extension [NotifierStatus] {
    func table() {
        Terminal.table(
            ["NAME", "FROM", "FORMAT", "HOST", "STATE", "SENT", "FAILED", "SUMMED", "WAITING", "OLDEST"],
            map {
                [
                    $0.name, $0.source?.rawValue ?? "?", $0.format, $0.host, $0.state.rawValue, "\($0.delivered)",
                    "\($0.failures)", "\($0.summarised)", "\($0.waiting)", $0.oldest > 0 ? "\(Int($0.oldest)) s" : "",
                ]
            },
            notes: map(\.problem))
    }
}
