import ArgumentParser
import Commands
import Foundation
import Heads
import Printing
import SystemSupport

struct Head: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Head plugins.", subcommands: [List.self, Inspect.self, Probe.self, Remove.self],
        aliases: ["heads"])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the head plugins that are found, and those that others of their name hide.",
            aliases: ["ls"])
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let finder = HeadFinder.standard()
            var heads: [HeadInspection] = []
            for file in finder.files { heads.append(await HeadInspector(finder: finder).inspect(file)) }
            heads.sort { $0.name < $1.name }
            if json { return try Terminal.say(json: heads) }
            Terminal.table(
                ["NAME", "VERSION", "KIND", "DESCRIPTION"],
                heads.map {
                    [
                        $0.name, $0.version, $0.kind,
                        $0.problem ?? $0.shadowedBy.map { [path = $0.path] in "\(path), hidden by \($0)" }
                            ?? $0.description,
                    ]
                })
        }
    }

    struct Inspect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one head plugin.", aliases: ["show", "get", "info"])
        @Argument(help: "Its name.") var name: String
        @Flag(help: "Print JSON (it always is).") var json = false

        func run() async throws {
            try await Exit.guarding {
                let finder = HeadFinder.standard()
                let found = await HeadInspector(finder: finder).inspect(try finder.file(name))
                if let problem = found.problem {
                    Terminal.complain(problem)
                    throw Exit.badConfiguration
                }
                try Terminal.say(json: found)
            }
        }
    }

    /// Removes nothing: says where the file is.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say how a head plugin is removed.", shouldDisplay: false, aliases: ["rm", "delete", "del"])
        @Argument(help: "Its name.") var name: String

        func run() async throws {
            try await Exit.guarding {
                let path = try HeadFinder.standard().file(name).path
                throw Advice(description: "a head is a file, and is removed as one: rm '\(path)'")
            }
        }
    }

    /// The child process of the others: it may crash.
    struct Probe: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open one plugin file and print what it says of itself.", shouldDisplay: false)
        @Argument(help: "The file.") var path: String

        func run() throws {
            // What a plugin prints while it is opened must not be taken for the answer; its crash needs no core file.
            let answer = StandardStream(descriptor: dup(STDOUT_FILENO), name: "the answer")
            dup2(STDERR_FILENO, STDOUT_FILENO)
            ResourceLimits.forbidCoreFiles()
            let finder = HeadFinder.standard()
            guard let file = finder.files.first(where: { $0.path == path }) else {
                throw HeadError(path: path, reason: .notFound(known: finder.names, searched: finder.directories))
            }
            let found = HeadInspection(opening: file, in: finder)
            try answer.write(try JSONEncoder().encode(found))
        }
    }
}
