import ArgumentParser
import CommandSupport
import Foundation
import WatchwordConfiguration
import WireFormat

extension Query {
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print all queries, complete, so that importing them elsewhere gives the same.")
        enum Format: String, ExpressibleByArgument, CaseIterable { case yaml, jsonl }
        @Option(help: "How they are written.") var format = Format.yaml
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                var after: JSONValue?
                var isEmpty = true
                repeat {
                    let page = try daemon.ask("query.export", .object(after.map { ["after": $0] } ?? [:]), timeout: 120)
                    let queries = try (page["queries"]?.array ?? []).map { try QueryConfiguration(json: $0) }
                    switch daemon.json ? .jsonl : format {
                    case .jsonl: for query in queries { try Terminal.say(json: query) }
                    case .yaml where !queries.isEmpty:
                        Terminal.say(lines: Data(try QueryConfiguration.yaml(queries).utf8))
                    case .yaml: break
                    }
                    isEmpty = isEmpty && queries.isEmpty
                    after = page["next"].flatMap { $0 == .null ? nil : $0 }
                } while after != nil
                if isEmpty, format == .yaml, !daemon.json { Terminal.say("[]") }
            }
        }
    }
}
