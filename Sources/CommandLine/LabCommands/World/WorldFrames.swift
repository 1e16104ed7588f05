import ArgumentParser
import CommandSupport
import Concurrency
import Foundation
import Ingest
import World

/// `watchword world frames`: writes the frames of a generated video as PNG files or raw RGB.
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
                case .png: try writer.writePNG(into: path, next: made.frames)
                case .raw:
                    let file = try FileWriter(path + "/frames.rgb")
                    let next = made.frames
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
