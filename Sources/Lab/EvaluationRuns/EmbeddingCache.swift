package import CLIP
import Checkpoints
import Digests
package import Foundation
import SystemSupport

/// Caches frame embeddings of clips on disk, so that no clip is decoded and embedded twice.
///
/// The key consists of the image tower's hash, the precision, the video file's hash and the sampling; models with the
/// same image tower share embeddings. An unreadable file counts as missing; failing to write one is an error.
package struct EmbeddingCache: Sendable {
    private let folder: URL
    private let tower: String

    /// Opens the cache; creates the folder if it does not exist, and throws `WriteError` if that fails.
    package init(folder: String, model: ModelDirectory, precision: String) throws {
        self.folder = URL(filePath: folder)
        tower = "\(try Self.imageTower(model)), \(precision)"
        do {
            try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        } catch {
            throw WriteError(folder, "it cannot be made")
        }
    }

    /// Returns the SHA-256 of everything that a picture's embedding depends on: the image tower and the preprocessing.
    private static func imageTower(_ model: ModelDirectory) throws -> String {
        let digest = Digest(.sha256)
        digest.update("\(model.architecture.vision), \(model.preprocessing)".utf8)
        let tensors = model.tensors
        for name in tensors.tensors.keys.sorted() where name.hasPrefix("visual.") {
            digest.update("\(name)\n".utf8)
            try tensors.floats(name).withUnsafeBytes { digest.update($0) }
        }
        model.releaseMemory()
        return digest.hexadecimal
    }

    /// Returns the path of a clip's cache file, which may not exist.
    ///
    /// Throws `UnreadableFile` if the video cannot be read.
    package func file(video path: String, sampling: String) throws -> URL {
        let key = try UnreadableFile.digest(path, prefix: "\(tower), \(sampling)\n")
        return folder.appending(path: "\(key).safetensors")
    }

    /// Reads a clip's embeddings `[frames, d]`; nil if the file is missing or has another width.
    package func read(_ url: URL, width: Int) -> [Float]? {
        guard let file = try? SafetensorsFile(path: url.path), let info = file.tensors["frames"],
            info.shape.count == 2, info.shape[1] == width
        else { return nil }
        return try? file.floats("frames")
    }

    /// Writes a clip's embeddings `[frames, d]` to a cache file atomically.
    package func write(_ frames: [Float], width: Int, to url: URL) throws {
        let part = url.appendingPathExtension("\(UUID().uuidString).part")
        defer { try? FileManager.default.removeItem(at: part) }
        let weights = HeadWeights(shape: [frames.count / width, width], values: frames)
        try SafetensorsWriter.write(
            MemoryTensors(["frames": weights], origin: url.path), names: ["frames"], to: part.path)
        guard rename(part.path, url.path) == 0 else { throw WriteError(url.path, errno: errno) }
    }
}
