package import ArgumentParser

/// `watchword world`: makes pictures, videos and labelled clips of generated scenes (coloured moving shapes).
package struct WorldCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "world", abstract: "Make pictures, videos and labelled clips of the shapes world.",
        discussion: "The world is live, too: as a stream's URI, shapes://7 never ends.",
        subcommands: [WorldVideo.self, WorldFrames.self, WorldClips.self])

    package init() {}
}
