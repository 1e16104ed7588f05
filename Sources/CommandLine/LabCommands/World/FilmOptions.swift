import ArgumentParser
import World

/// The options of commands that draw a film (a generated video of coloured moving shapes).
struct FilmOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "About how long; a film ends with a whole scene.")
    var seconds = 40.0
    @Flag(help: "The background may change between scenes.")
    var cuts = false

    func validate() throws {
        guard (1...86_400).contains(seconds) else { throw ValidationError("--seconds must be 1 to 86400") }
    }
}

extension Film {
    /// Returns a function that gives a frame's RGB bytes by its number, in ascending order; nil after the last.
    var frames: (Int) -> [UInt8]? {
        var film = self
        let count = frameCount ?? 0
        return { $0 < count ? film.frame($0).pixels : nil }
    }
}
