package import ArgumentParser

/// `watchword stream`: manages the video streams of the running daemon.
package struct Stream: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "Streams of the running daemon.",
        subcommands: [Add.self, Test.self, List.self, Show.self, Remove.self, Reset.self], aliases: ["streams"])

    package init() {}
}
