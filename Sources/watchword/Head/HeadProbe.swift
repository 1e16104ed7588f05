import ArgumentParser
import Foundation
import Heads
import Printing

extension Head {
    /// Opens one plugin file in a child process of `list` and `inspect`, since a plugin may crash.
    struct Probe: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open one plugin file and print what it says of itself.", shouldDisplay: false)
        @Argument(help: "The file.") var path: String

        func run() throws {
            // What a plugin prints while it is opened goes to standard error; its crash leaves no core file.
            let answer = StandardStream(descriptor: dup(STDOUT_FILENO), name: "the answer")
            dup2(STDERR_FILENO, STDOUT_FILENO)
            var limit = rlimit(rlim_cur: 0, rlim_max: 0)
            setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
            let finder = HeadFinder.standard()
            guard let file = finder.files.first(where: { $0.path == path }) else {
                throw HeadError(path: path, reason: .notFound(known: finder.names, searched: finder.directories))
            }
            let found = HeadInspection(opening: file, in: finder)
            try answer.write(try JSONEncoder().encode(found))
        }
    }
}
