import Foundation
import TestSupport

/// Films for tests that can use any film.
enum Films {
    /// The first 4 s of `lobby.mp4`, not re-encoded; a blue circle appears at 3 s.
    static func short() throws -> String { try fourSeconds.get() }

    /// The first 5.5 s of `lobby.mp4`, not re-encoded, of which a camera repeats the first 5 s.
    ///
    /// The circle is there from 3 s on: each round has one event of some two seconds.
    static func eventful() throws -> String { try fiveSeconds.get() }

    private static let fourSeconds: Result<String, any Error> = Result { try Films.cut("4") }
    private static let fiveSeconds: Result<String, any Error> = Result { try Films.cut("5.5") }

    private static func cut(_ seconds: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "short-\(UUID()).mp4").path
        let lobby = Fixtures.videos.appending(path: "lobby.mp4").path
        try output(of: "ffmpeg", ["-loglevel", "error", "-i", lobby, "-t", seconds, "-c", "copy", file])
        return file
    }
}
