import ArgumentParser
import Ingest
import World

/// The options of all commands that draw generated scenes.
struct WorldOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "What determines everything.")
    var seed: UInt64 = 7
    @Option(help: "Width and height of the pictures.")
    var size = "320x240"
    @Option(parsing: .unconditional, help: "Frames a second.")
    var fps = 25

    /// The width in pixels; set by `validate`.
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

    /// Makes a film (a generated video) of about `seconds`; with `cuts`, the background may change between scenes.
    func film(seconds: Double, cuts: Bool) -> Film {
        .finite(seed: seed, seconds: seconds, width: width, height: height, fps: fps, mayCut: cuts)
    }
}
