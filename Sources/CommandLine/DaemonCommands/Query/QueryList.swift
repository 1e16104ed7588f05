import ArgumentParser
import CommandSupport
import ControlAPI
import WireFormat

extension Query {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the standing queries.", aliases: ["ls"])
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("query.list", timeout: 120)
                if daemon.json { return try Terminal.say(json: result) }
                let queries = try result.decoded(as: [QueryDescription].self)
                if queries.isEmpty { return Terminal.say("no queries; `watchword query add TEXT` adds one") }
                Terminal.table(
                    ["ID", "HEAD", "RULE", "STREAMS", "STATE", "SOURCE", "TEXT"],
                    queries.map { query in
                        let pictures = query.pictureNames.joined(separator: ", ")
                        return [
                            query.id, query.head, query.ruleInWords, query.streams.joined(separator: ","),
                            query.isEnabled ? "enabled" : "disabled", query.source?.rawValue ?? "",
                            [query.text, pictures].filter { !$0.isEmpty }.joined(separator: " + "),
                        ]
                    })
            }
        }
    }
}
