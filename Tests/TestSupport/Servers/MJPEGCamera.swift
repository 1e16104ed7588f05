package import Foundation

/// A camera on loopback that sends MJPEG over HTTP; its path selects the form (`scripts/servers/mjpeg-camera.py`).
package struct MJPEGCamera: Sendable {
    private let program: Program
    package let port: Int

    /// Starts a camera that repeats the first pictures of a film.
    package init(film: URL, pictures: Int = 40) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "mjpeg-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try await blocking {
            try output(
                of: "ffmpeg",
                [
                    "-v", "error", "-i", film.path, "-frames:v", "\(pictures)", "-pix_fmt", "yuvj420p",
                    "\(folder.path)/%03d.jpg",
                ])
        }
        program = try Program(
            "/usr/bin/python3",
            [Fixtures.repository.appending(path: "scripts/servers/mjpeg-camera.py").path, folder.path], hasInput: true)
        let ready = try await program.line()
        guard ready.hasPrefix("READY "), let port = Int(ready.dropFirst(6)) else { throw MissingServer(said: ready) }
        self.port = port
    }

    package func uri(_ way: String, user: String = "") -> String { "http://\(user)127.0.0.1:\(port)/\(way)" }
}
