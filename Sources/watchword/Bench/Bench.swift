import ArgumentParser

/// `watchword bench`: one file a benchmark.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Benchmarks.",
        subcommands: [
            Encoder.self, Heads.self, Queries.self, History.self, Streams.self, TrainBench.self, MemoryGrowth.self,
        ])
}
