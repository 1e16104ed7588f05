import ArgumentParser
import CommandSupport
import WireFormat

extension Query {
    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a query, and do not watch for it; its open events end.")
        @Argument(help: "Its id.") var id: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding { try Query.change(id, ["enabled": .bool(false)], "disabled", daemon) }
        }
    }
}
