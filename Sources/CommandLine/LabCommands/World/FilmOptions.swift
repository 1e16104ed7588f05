import ArgumentParser
import World

/// Options of commands that draw one film.
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
    /// Returns the RGB bytes of a frame by its number; nil after the last.
    var frames: (Int) -> [UInt8]? {
        var film = self
        let count = frameCount ?? 0
        return { $0 < count ? film.frame($0).pixels : nil }
    }
}
