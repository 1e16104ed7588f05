import ArgumentParser
import CommandSupport
import Notify
import WireFormat

extension NotifyCommand {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a notifier, or replace the one of this name that was added so.",
            discussion: """
                Secrets are given by name: the configuration's credentials, which are bound to hosts. Private \
                addresses are reached only if the configuration's receivers names them.
                """,
            aliases: ["new", "create"])
        @Argument(help: "Its name.") var name: String
        @Argument(help: "The receiver's address; none for telegram, or with --url-file.") var url: String?
        @Option(
            help: "What the receiver understands: \(NotifyFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
        var format: String?
        @Option(help: "A credential that has the address.") var urlFile: String?
        @Option(help: "The credential that signs requests.") var secret: String?
        @Option(help: "The credential that the service wants.") var token: String?
        @Option(parsing: .unconditional, help: "The chat that Telegram sends to; a group's number is negative.")
        var chat: String?
        @Option(help: "MQTT: what all topics begin with.") var topic: String?
        @Option(help: "MQTT: the user.") var user: String?
        @Option(help: "MQTT: the credential that is the user's password.") var password: String?
        @Option(help: "MQTT by TLS: the credential that is the authority's certificate.") var ca: String?
        @Option(help: "MQTT by TLS: the credential that is this daemon's certificate.") var certificate: String?
        @Option(help: "MQTT by TLS: the credential that is the certificate's key.") var key: String?
        @Flag(help: "MQTT: tell Home Assistant of sensors.") var homeAssistant = false
        @Flag(help: "Send pictures with alerts.") var picture = false
        @Option(name: .long, help: "The id of a query; all, if left out.") var query: [String] = []
        @Option(name: .long, help: "A stream, glob, stream/region, or !name to exclude; all streams, if left out.")
        var stream: [String] = []
        @Option(name: .long, help: "A tag of queries.") var tag: [String] = []
        @Option(name: .long, help: "A phase that is sent: start, update or end.") var phase: [String] = []
        @Option(help: "The age from which an alert is only counted, as in 1h.") var catchUp: String?
        @Option(help: "Most alerts in a time, as in 10/10m; more become one summary.") var atMost: String?
        @Option(
            name: .long,
            help: "When nothing is sent: a zone, then days and spans, as in \"Europe/Berlin mon-fri 22:00-07:00\".")
        var quiet: [String] = []
        @Option(help: "The time that a request, or a broker's answer, may take, as in 10s.") var timeout: String?
        @OptionGroup var daemon: DaemonOptions

        func validate() throws {
            if let atMost, atMost.split(separator: "/").count != 2 || Int(atMost.prefix { $0 != "/" }) == nil {
                throw ValidationError("--at-most takes a number and a time, as in 10/10m")
            }
            try QueryOptions.checkHours(quiet, "--quiet")
        }

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("notify.add", .object(given))
                if daemon.json { return try Terminal.say(json: result) }
                let change = result["change"]?.string
                Terminal.say(change == "unchanged" ? "\(name) goes on as it was" : "\(change ?? "added") \(name)")
            }
        }

        /// The keys of the operation `notify.add` that were given.
        private var given: [String: JSONValue] {
            func texts(_ values: [String]) -> JSONValue? {
                values.isEmpty ? nil : .array(values.map { .string($0) })
            }
            let words: [String: String?] = [
                "name": name, "url": url, "format": format, "url_file": urlFile, "secret": secret, "token": token,
                "chat": chat, "topic": topic, "user": user, "password": password, "ca": ca, "certificate": certificate,
                "key": key, "catch_up": catchUp, "timeout": timeout,
            ]
            var keys: [String: JSONValue?] = [
                "queries": texts(query), "streams": texts(stream), "tags": texts(tag), "phases": texts(phase),
                "home_assistant": homeAssistant ? .bool(true) : nil, "picture": picture ? .bool(true) : nil,
                "quiet": quiet.isEmpty ? nil : .array(quiet.map(QueryOptions.hours)),
            ]
            for (key, word) in words { keys[key] = word.map { .string($0) } }
            let parts = atMost?.split(separator: "/").map(String.init) ?? []
            if parts.count == 2, let alerts = Int64(parts[0]) {
                keys["at_most"] = .object(["alerts": .integer(alerts), "per": .string(parts[1])])
            }
            return keys.compactMapValues { $0 }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a notifier that was added by `notify add`.", aliases: ["rm", "delete"])
        @Argument(help: "The notifier's name.") var name: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("notify.remove", .object(["name": .string(name)]))
                if daemon.json { try Terminal.say(json: result) } else { Terminal.say("removed \(name)") }
            }
        }
    }
}
