package import Foundation

/// A live playlist on loopback that repeats a clip of four seconds without marking the repetition.
///
/// Its time stamps therefore stand still for a player (`scripts/servers/repeating-playlist.py`).
package struct RepeatingPlaylist: Sendable {
    private let program: Program
    package let uri: String

    package init(in folder: URL) async throws {
        _ = try await blocking {
            try output(
                of: "ffmpeg",
                ["-loglevel", "error", "-i", Fixtures.videos.appending(path: "lobby.mp4").path, "-t", "4", "-an"]
                    + ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-f", "hls", "-hls_time", "1"]
                    + ["-hls_list_size", "0", "-hls_segment_filename", "\(folder.path)/%d.ts"]
                    + [folder.appending(path: "clip.m3u8").path])
        }
        let script = Fixtures.repository.appending(path: "scripts/servers/repeating-playlist.py").path
        program = try Program("/usr/bin/python3", [script, folder.path])
        let ready = try await program.line()
        guard ready.hasPrefix("READY ") else { throw MissingServer(said: ready) }
        uri = "http://127.0.0.1:\(ready.dropFirst(6))/live.m3u8"
    }
}
