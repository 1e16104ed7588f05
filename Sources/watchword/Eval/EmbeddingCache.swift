import CLIP
import Checkpoints
import Digests
import Foundation

/// Frame embeddings of clips on disk, so that no clip is decoded and encoded twice.
///
/// Keyed by the model's hash, the precision, the video file's own hash and the sampling. A file that cannot be read counts
/// as none; one that cannot be written is an error.
struct EmbeddingCache: Sendable {
    private let folder: URL
    private let model: String

    init(folder: String, model: ModelDirectory, precision: String) throws {
        self.folder = URL(filePath: folder)
        self.model = "\(model.identity.split(separator: "@").last ?? ""), \(precision)"
        do {
            try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        } catch {
            throw WriteError(folder, "it cannot be made")
        }
    }

    /// The place of a clip's embeddings, by what they are made from.
    func place(video path: String, sampling: String) throws -> URL {
        let key = try Digest.of(file: path, prefix: "\(model), \(sampling)\n")
        return folder.appending(path: "\(key).safetensors")
    }

    /// `[frames, d]`; nil if they are not there.
    func read(_ place: URL, width: Int) -> [Float]? {
        guard let file = try? SafetensorsFile(path: place.path), let info = file.tensors["frames"],
            info.shape.count == 2, info.shape[1] == width
        else { return nil }
        return try? file.floats("frames")
    }

    /// Writes them whole, or not at all.
    func write(_ frames: [Float], width: Int, to place: URL) throws {
        let part = place.appendingPathExtension("\(UUID().uuidString).part")
        defer { try? FileManager.default.removeItem(at: part) }
        let weights = HeadWeights(shape: [frames.count / width, width], values: frames)
        try SafetensorsWriter.write(
            MemoryTensors(["frames": weights], origin: place.path), names: ["frames"], to: part.path)
        guard rename(part.path, place.path) == 0 else { throw WriteError(place.path, errno: errno) }
    }
}
