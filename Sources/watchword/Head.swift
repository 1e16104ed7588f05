import ArgumentParser
import Foundation
import Heads
import Watchtower

struct Head: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Head plugins.", subcommands: [List.self, Inspect.self])

    private struct Description: Encodable {
        let name, path, version, description, kind: String
        let problem: String?
    }

    private static func describe(_ name: String, _ finder: HeadFinder) -> Description {
        do {
            let library = try finder.load(name)
            return Description(
                name: name, path: library.path, version: library.version, description: library.description,
                kind: library.pools ? "pools" : "pairs", problem: nil)
        } catch {
            return Description(name: name, path: "", version: "", description: "", kind: "", problem: "\(error)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the head plugins that are found.")
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let finder = HeadFinder.standard()
            let heads = finder.names.map { Head.describe($0, finder) }
            if json { return try Terminal.say(json: heads) }
            Terminal.table(
                ["NAME", "VERSION", "KIND", "DESCRIPTION"],
                heads.map { [$0.name, $0.version, $0.kind, $0.problem ?? $0.description] })
        }
    }

    struct Inspect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one head plugin.")
        @Argument(help: "Its name.") var name: String
        @Flag(help: "Print JSON (it always is).") var json = false

        func run() async throws {
            try await Exit.guarding {
                _ = try HeadFinder.standard().load(name)
                try Terminal.say(json: Head.describe(name, .standard()))
            }
        }
    }
}
