import ArgumentParser
import Foundation
import Ingest
import World

/// `watchword world`: pictures, videos and labelled clips of the shapes world.
struct WorldCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "world", abstract: "Make pictures, videos and labelled clips of the shapes world.",
        discussion: "The world is live, too: as a stream's URI, shapes://7 never ends.",
        subcommands: [WorldVideo.self, WorldFrames.self, WorldClips.self])
}

/// What all of them need.
struct WorldOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "What determines everything.")
    var seed: UInt64 = 7
    @Option(help: "Width and height of the pictures.")
    var size = "320x240"
    @Option(parsing: .unconditional, help: "Frames a second.")
    var fps = 25

    private(set) var width = 0
    private(set) var height = 0

    private enum CodingKeys: CodingKey {
        case seed, size, fps
    }

    mutating func validate() throws {
        let sides = size.split(separator: "x").compactMap { Int($0) }
        guard sides.count == 2, sides.allSatisfy({ (16...4096).contains($0) && $0 % 2 == 0 }) else {
            throw ValidationError("--size must be two even numbers of 16 to 4096, such as 320x240")
        }
        guard (1...120).contains(fps) else { throw ValidationError("--fps must be 1 to 120") }
        (width, height) = (sides[0], sides[1])
    }

    var writer: VideoWriter { VideoWriter(width: width, height: height, fps: fps) }

    func film(seconds: Double, cuts: Bool) -> Film {
        .finite(seed: seed, seconds: seconds, width: width, height: height, fps: fps, mayCut: cuts)
    }
}

/// The length of a film.
struct FilmOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "About how long; a film ends with a whole scene.")
    var seconds = 40.0
    @Flag(help: "The background may change between scenes.")
    var cuts = false

    func validate() throws {
        guard (1...86_400).contains(seconds) else { throw ValidationError("--seconds must be 1 to 86400") }
    }
}

struct WorldVideo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "video", abstract: "An H.264 video, and its true events beside it (NAME.events.json).")

    @OptionGroup var world: WorldOptions
    @OptionGroup var film: FilmOptions
    @Option(name: .shortAndLong, help: "The MP4 file.")
    var output: String
    @Flag(help: "Print what was written as JSON.")
    var json = false

    private struct Written: Encodable {
        let video: String
        let events: String
        let frames: Int
        let durationSeconds: Double

        enum CodingKeys: String, CodingKey {
            case video, events, frames
            case durationSeconds = "duration_s"
        }
    }

    func run() async throws {
        try await Exit.guarding {
            let made = world.film(seconds: film.seconds, cuts: film.cuts)
            let file = URL(filePath: output)
            let events = file.deletingPathExtension().appendingPathExtension("events.json")
            let truth = FilmTruth(
                made, video: file.lastPathComponent, seed: world.seed, asked: film.seconds, mayCut: film.cuts)
            let (writer, path) = (world.writer, output)
            try await offPoolThrowing {
                try writer.writeH264(to: path, next: frames(of: made))
                try FileWriter.write(encoded(truth), to: events.path)
            }
            let count = made.frameCount ?? 0
            let written = Written(
                video: output, events: events.path, frames: count, durationSeconds: made.duration ?? 0)
            if json { return try Terminal.say(json: written) }
            Terminal.say("\(output): \(count) frames, \(made.events.count) true events in \(events.lastPathComponent)")
        }
    }
}

struct WorldFrames: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "frames", abstract: "Single frames, as PNG or as raw RGB.")

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case png, raw
    }

    @OptionGroup var world: WorldOptions
    @OptionGroup var film: FilmOptions
    @Option(help: "png, or raw: one file frames.rgb, frame after frame.")
    var format = Format.png
    @Option(name: .shortAndLong, help: "The directory to write to.")
    var output: String

    func run() async throws {
        try await Exit.guarding {
            let made = world.film(seconds: film.seconds, cuts: film.cuts)
            let (writer, path, format) = (world.writer, output, format)
            try FileWriter.makeDirectory(path)
            try await offPoolThrowing {
                switch format {
                case .png: try writer.writePNG(into: path, next: frames(of: made))
                case .raw:
                    let file = try FileWriter(path + "/frames.rgb")
                    let next = frames(of: made)
                    var number = 0
                    while let pixels = next(number) {
                        try file.write(Data(pixels))
                        number += 1
                    }
                    try file.close()
                }
            }
            Terminal.say("\(output): \(made.frameCount ?? 0) frames of \(world.width)x\(world.height)")
        }
    }
}

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

private func encoded(_ truth: FilmTruth) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(truth)
}

/// The frames of a film, one after the other.
private func frames(of film: Film) -> (Int) -> [UInt8]? {
    var film = film
    let count = film.frameCount ?? 0
    return { $0 < count ? film.frame($0).pixels : nil }
}
