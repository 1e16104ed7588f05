import ArgumentParser
import CommandSupport
import Concurrency
import Foundation
import Ingest
import World

/// `watchword world clips`: writes short generated clips, each with a true caption, and a manifest of them.
struct WorldClips: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clips", abstract: "Short clips with a true caption each, and their manifest (manifest.jsonl).",
        discussion: "What `watchword train` and `watchword eval` read: one JSON object a line.")

    @OptionGroup var world: WorldOptions
    @Option(parsing: .unconditional, help: "How many.")
    var count = 100
    @Option(parsing: .unconditional, help: "Seconds of a clip.")
    var seconds = 2.0
    @Flag(help: "Captions leave nothing out and have canonical words; no two are the same.")
    var full = false
    @Option(name: .shortAndLong, help: "The directory to write to.")
    var output: String

    func validate() throws {
        guard (1...1_000_000).contains(count) else { throw ValidationError("--count must be 1 to 1000000") }
        guard (1.0...60).contains(seconds) else { throw ValidationError("--seconds must be 1 to 60") }
    }

    private struct Line: Encodable {
        let video: String
        let start: Double
        let end: Double
        let caption: String
    }

    func run() async throws {
        try await Exit.guarding {
            let clips = LabelledClip.Maker(seed: world.seed, seconds: seconds, full: full)
            let (writer, path, count, seconds) = (world.writer, output, count, seconds)
            try FileWriter.makeDirectory(path)
            try await offPoolThrowing {
                var clips = clips
                let manifest = try FileWriter(path + "/manifest.jsonl")
                for number in 0..<count {
                    guard let clip = clips.next() else {
                        throw ValidationError("this world has no more than \(number) different captions to find")
                    }
                    let name = "clip-" + String(repeating: "0", count: max(0, 6 - "\(number)".count)) + "\(number).mp4"
                    let frames = Int((seconds * Double(writer.fps)).rounded())
                    let draw = clip.drawing(width: writer.width, height: writer.height)
                    try writer.writeH264(to: path + "/" + name) { frame in
                        frame < frames ? draw(Double(frame) / Double(writer.fps)).pixels : nil
                    }
                    let line = Line(video: name, start: 0, end: seconds, caption: clip.caption)
                    let encoder = JSONEncoder()
                    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                    try manifest.write(encoder.encode(line) + Data("\n".utf8))
                    Terminal.progress("\(number + 1) of \(count) clips")
                }
                try manifest.close()
            }
            Terminal.progress("")
            Terminal.say("\(output): \(count) clips, manifest.jsonl")
        }
    }
}
