import CLIP
import Checkpoints
import Digests
import Foundation
import SystemSupport

/// Frame embeddings of clips on disk, so that no clip is decoded and encoded twice.
///
/// Keyed by the image tower's own hash, the precision, the video file's own hash and the sampling: models that share
/// their image tower, as those trained with a frozen one do, share their embeddings. A file that cannot be read counts
/// as none; one that cannot be written is an error.
struct EmbeddingCache: Sendable {
    private let folder: URL
    private let tower: String

    init(folder: String, model: ModelDirectory, precision: String) throws {
        self.folder = URL(filePath: folder)
        tower = "\(try Self.imageTower(model)), \(precision)"
        do {
            try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        } catch {
            throw WriteError(folder, "it cannot be made")
        }
    }

    /// What a picture's embedding depends on: the image tower's sizes and weights, and how pictures are normalised.
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

    /// The place of a clip's embeddings, by what they are made from.
    func place(video path: String, sampling: String) throws -> URL {
        let key = try UnreadableFile.digest(path, prefix: "\(tower), \(sampling)\n")
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
        let weights = HeadWeights(shape: [frames.count / width, width], values: frames)
        try AtomicFile.write(to: place.path, .several) { part in
            try SafetensorsWriter.write(
                MemoryTensors(["frames": weights], origin: place.path), names: ["frames"], to: part)
        }
    }
}
