package import CLIP
import Checkpoints
import EvaluationRuns
package import Foundation
package import Pixels
import SystemSupport

/// Caches the decoded pictures of clips on disk, as RGB bytes, so that no clip is decoded twice.
///
/// The key consists of the video file's hash, the sampling and the preprocessing. An unreadable file counts as missing.
package struct PictureCache: Sendable {
    /// The width and height of a cached picture, in pixels.
    package let side: Int
    private let folder: URL
    private let normalisation: Normalisation
    private let framing: Framing
    private var size: Int { 3 * side * side }

    /// Opens the cache; creates the folder if it does not exist, and throws `WriteError` if that fails.
    package init(folder: String, model: ModelDirectory) throws {
        side = model.architecture.vision.side
        normalisation = model.normalisation
        framing = model.preprocessing.framing
        self.folder = URL(filePath: folder)
        try StagedDirectory.makeDirectory(self.folder)
    }

    /// Returns the path of a clip's cache file, which may not exist.
    ///
    /// Throws `UnreadableFile` if the video cannot be read.
    package func file(video path: String, sampling: String) throws -> URL {
        let digest = try UnreadableFile.digest(path, prefix: "pictures of \(framing), \(sampling)\n")
        return folder.appending(path: "\(digest).rgb")
    }

    /// Returns the number of pictures in a cache file; nil if the file is missing, empty or incomplete.
    package func count(_ url: URL) -> Int? {
        let bytes = try? url.resourceValues(forKeys: [.fileSizeKey]).fileSize
        return bytes.flatMap { $0 > 0 && $0 % size == 0 ? $0 / size : nil }
    }

    /// Writes pictures to a cache file atomically.
    package func write(_ pictures: [Picture], to url: URL) throws {
        let part = url.appendingPathExtension("\(UUID().uuidString).part")
        defer { try? FileManager.default.removeItem(at: part) }
        let file = try OutputFile(path: part.path)
        for picture in pictures { try file.write(picture.rgb) }
        try file.finish()
        guard rename(part.path, url.path) == 0 else { throw WriteError(url.path, errno: errno) }
    }

    /// Reads a cache file as normalised planes `[pictures, 3, side, side]`; nil if it is missing, empty or incomplete.
    package func read(_ url: URL) -> [Float]? {
        guard let bytes = try? Data(contentsOf: url), !bytes.isEmpty, bytes.count % size == 0 else { return nil }
        return normalisation.planes([UInt8](bytes), side: side)
    }
}
