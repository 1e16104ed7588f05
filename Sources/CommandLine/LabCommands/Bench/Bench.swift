package import ArgumentParser
import SystemSupport

/// `watchword bench`: measures speed and memory.
package struct Bench: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "Benchmarks.",
        subcommands: [
            Encoder.self, Heads.self, Queries.self, History.self, Backtest.self, Streams.self, Training.self,
            Memory.self, Storm.self, Clips.self,
        ])

    package init() {}
}
