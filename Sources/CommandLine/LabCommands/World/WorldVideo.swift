import ArgumentParser
import CommandSupport
import Concurrency
import Foundation
import Ingest
import World

/// `watchword world video`: writes a generated video as H.264, and its true events as JSON.
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
                try writer.writeH264(to: path, next: made.frames)
                try FileWriter.write(Self.encoded(truth), to: events.path)
            }
            let count = made.frameCount ?? 0
            let written = Written(
                video: output, events: events.path, frames: count, durationSeconds: made.duration ?? 0)
            if json { return try Terminal.say(json: written) }
            Terminal.say("\(output): \(count) frames, \(made.events.count) true events in \(events.lastPathComponent)")
        }
    }

    private static func encoded(_ truth: FilmTruth) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(truth)
    }
}
