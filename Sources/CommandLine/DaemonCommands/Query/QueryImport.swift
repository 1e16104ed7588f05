import ArgumentParser
import CommandSupport
import Foundation
import Printing
import WatchwordConfiguration
import WireFormat

extension Query {
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add all queries of a file, or none of them if one is wrong.",
            discussion:
                "YAML (a list, or a mapping with \"queries\") or JSON lines; JSON lines are far quicker to read.")
        @Argument(help: "The file; - is standard input.") var file: String
        @Flag(inversion: .prefixedNo, help: "Take the places of queries of the same ids that are others.")
        var replace = true
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let queries = try read()
                Terminal.progress("\(queries.count) queries read; the daemon is adding them")
                defer { Terminal.progress("") }
                let result = try daemon.ask(encoded: request(queries), 900)
                Terminal.progress("")
                if daemon.json { return try Terminal.say(json: result) }
                for id in result["truncated"]?.array ?? [] {
                    let name = id.string ?? ""
                    Terminal.complain("query \"\(name)\": the text is longer than the model reads; the rest is ignored")
                }
                for id in result["expired"]?.array ?? [] {
                    Terminal.complain("query \"\(id.string ?? "")\": it has expired, and is not watched")
                }
                Terminal.say(Self.counts(result))
            }
        }

        /// Returns a summary of an import, such as "added 3 queries" or "added 1, replaced 2, left 4 unchanged".
        private static func counts(_ result: JSONValue) -> String {
            func count(_ key: String) -> Int64 { result[key]?.integer ?? 0 }
            let (added, replaced, unchanged) = (count("added"), count("replaced"), count("unchanged"))
            guard replaced + unchanged > 0 else { return "added \(added) queries" }
            return "added \(added), replaced \(replaced), left \(unchanged) unchanged"
        }

        private func read() throws -> [QueryConfiguration] {
            guard file == "-" else { return try QueryConfiguration.load(file) }
            let data = try StandardInput.all()
            let folder = URL(filePath: FileManager.default.currentDirectoryPath)
            return try QueryConfiguration.read(data, path: "standard input", folder: folder)
        }

        /// Encodes the import request query by query, so that even 100,000 queries never form one JSON tree in memory.
        private func request(_ queries: [QueryConfiguration]) throws -> Data {
            let head = try WireCoding.encode(ControlRequest(id: ULID.make(), op: "query.import", args: nil))
            var data = Data(head.dropLast()) + Data(",\"args\":{\"queries\":[".utf8)
            for (index, query) in queries.enumerated() {
                if index > 0 { data.append(UInt8(ascii: ",")) }
                data += try WireCoding.encode(query)
            }
            return data + Data(replace ? "]}}".utf8 : "],\"replace\":false}}".utf8)
        }
    }
}
