import ArgumentParser

/// `watchword bench`: one file a benchmark.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Benchmarks.", subcommands: [Heads.self, Streams.self])
}
