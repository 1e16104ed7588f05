import ArgumentParser
import CommandSupport
import WireFormat

extension Query {
    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Watch for a query again.")
        @Argument(help: "Its id.") var id: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding { try Query.change(id, ["enabled": .bool(true)], "enabled", daemon) }
        }
    }
}
