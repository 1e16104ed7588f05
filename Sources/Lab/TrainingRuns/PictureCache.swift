package import CLIP
import Checkpoints
import EvaluationRuns
package import Foundation
package import Pixels
import SystemSupport

/// Keeps decoded pictures of clips on disk, as RGB bytes, so that no clip is decoded twice.
///
/// The key is made of the video file's hash, the sampling and how frames become pictures. A file that cannot be read
/// counts as absent.
package struct PictureCache: Sendable {
    /// Width and height of a picture, in pixels.
    package let side: Int
    private let folder: URL
    private let normalisation: Normalisation
    private let framing: Framing
    private var size: Int { 3 * side * side }

    /// Makes the folder where it is not there; throws `WriteError` if it cannot be made.
    package init(folder: String, model: ModelDirectory) throws {
        side = model.architecture.vision.side
        normalisation = model.normalisation
        framing = model.preprocessing.framing
        self.folder = URL(filePath: folder)
        try StagedDirectory.makeDirectory(self.folder)
    }

    /// The file of a clip's pictures, there or not; throws `UnreadableFile` if the video cannot be read.
    package func file(video path: String, sampling: String) throws -> URL {
        let digest = try UnreadableFile.digest(path, prefix: "pictures of \(framing), \(sampling)\n")
        return folder.appending(path: "\(digest).rgb")
    }

    /// The number of pictures in a file; nil if the file is not there, is empty or ends within a picture.
    package func count(_ url: URL) -> Int? {
        let bytes = try? url.resourceValues(forKeys: [.fileSizeKey]).fileSize
        return bytes.flatMap { $0 > 0 && $0 % size == 0 ? $0 / size : nil }
    }

    /// Writes the pictures: the whole file, or none.
    package func write(_ pictures: [Picture], to url: URL) throws {
        let part = url.appendingPathExtension("\(UUID().uuidString).part")
        defer { try? FileManager.default.removeItem(at: part) }
        let file = try OutputFile(path: part.path)
        for picture in pictures { try file.write(picture.rgb) }
        try file.finish()
        guard rename(part.path, url.path) == 0 else { throw WriteError(url.path, errno: errno) }
    }

    /// Reads pictures as planes `[pictures, 3, side, side]`, normalised; nil if they are not there.
    package func read(_ url: URL) -> [Float]? {
        guard let bytes = try? Data(contentsOf: url), !bytes.isEmpty, bytes.count % size == 0 else { return nil }
        return normalisation.planes([UInt8](bytes), side: side)
    }
}
