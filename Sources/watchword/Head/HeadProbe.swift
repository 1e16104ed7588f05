import ArgumentParser
import Foundation
import Heads
import Printing

extension Head {
    /// `watchword head probe`: opens one plugin file and prints its description as JSON.
    ///
    /// The commands `head list` and `head inspect` run it in a child process, since a plugin may crash.
    struct Probe: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open one plugin file and print what it says of itself.", shouldDisplay: false)
        @Argument(help: "The file.") var path: String

        func run() throws {
            // Output of the plugin's own code goes to standard error, and a crash leaves no core file.
            let answer = StandardStream(descriptor: dup(STDOUT_FILENO), name: "the answer")
            dup2(STDERR_FILENO, STDOUT_FILENO)
            var limit = rlimit(rlim_cur: 0, rlim_max: 0)
            setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
            let finder = HeadFinder.standard()
            guard let file = finder.files.first(where: { $0.path == path }) else {
                throw HeadError(plugin: path, reason: .notFound(known: finder.names, searched: finder.directories))
            }
            let found = HeadInspection(opening: file, in: finder)
            try answer.write(try JSONEncoder().encode(found))
        }
    }
}
