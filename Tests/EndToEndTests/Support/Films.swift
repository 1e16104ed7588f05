import Foundation
import TestSupport

/// Films for tests that can use any film.
enum Films {
    /// The first 4 s of `lobby.mp4`, not re-encoded; a blue circle appears at 3 s.
    static func short() throws -> String { try cut.get() }

    private static let cut = Result {
        let file = FileManager.default.temporaryDirectory.appending(path: "short-\(UUID()).mp4").path
        let lobby = Fixtures.videos.appending(path: "lobby.mp4").path
        try output(of: "ffmpeg", ["-loglevel", "error", "-i", lobby, "-t", "4", "-c", "copy", file])
        return file
    }
}
