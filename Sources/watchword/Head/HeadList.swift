import ArgumentParser
import CommandSupport
import Heads

extension Head {
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
}
