import CLIP
import Checkpoints
import Foundation
import Pixels
import SystemSupport

/// Decoded pictures of clips on disk, as bytes: what the image tower is trained from, without decoding a clip twice.
///
/// Keyed by the video file's own hash, the sampling and how frames become pictures. A file that cannot be read counts
/// as none.
struct PictureCache: Sendable {
    let side: Int
    private let folder: URL
    private let normalisation: Normalisation
    private let framing: Framing
    private var size: Int { 3 * side * side }

    init(folder: String, model: ModelDirectory) throws {
        side = model.architecture.vision.side
        normalisation = model.normalisation
        framing = model.preprocessing.framing
        self.folder = URL(filePath: folder)
        try StagedDirectory.makeDirectory(self.folder)
    }

    func place(video path: String, sampling: String) throws -> URL {
        let digest = try UnreadableFile.digest(path, prefix: "pictures of \(framing), \(sampling)\n")
        return folder.appending(path: "\(digest).rgb")
    }

    /// How many pictures there are; nil if there is no whole one.
    func count(_ place: URL) -> Int? {
        let bytes = try? place.resourceValues(forKeys: [.fileSizeKey]).fileSize
        return bytes.flatMap { $0 > 0 && $0 % size == 0 ? $0 / size : nil }
    }

    /// Writes them whole, or not at all.
    func write(_ pictures: [Picture], to place: URL) throws {
        try AtomicFile.write(to: place.path, .several) { part in
            let file = try OutputFile(path: part)
            for picture in pictures { try file.write(picture.rgb) }
            try file.finish()
        }
    }

    /// `[pictures, 3, side, side]`, normalised; nil if they are not there.
    func read(_ place: URL) -> [Float]? {
        guard let bytes = try? Data(contentsOf: place), !bytes.isEmpty, bytes.count % size == 0 else { return nil }
        return normalisation.planes([UInt8](bytes), side: side)
    }
}

extension Normalisation {
    /// Planes `[pictures, 3, side, side]` of interleaved bytes.
    func planes(_ rgb: [UInt8], side: Int) -> [Float] {
        let plane = side * side
        // A byte has 256 values: the roundings of the reference are done once for each.
        let tables = (0..<3).map { channel in
            (0..<256).map { (Float($0) / 255 - mean[channel]) / deviation[channel] }
        }
        var planes = [Float](repeating: 0, count: rgb.count)
        for picture in 0..<rgb.count / (3 * plane) {
            for channel in 0..<3 {
                let (from, to, table) = (
                    picture * 3 * plane + channel, (picture * 3 + channel) * plane, tables[channel]
                )
                for index in 0..<plane { planes[to + index] = table[Int(rgb[from + 3 * index])] }
            }
        }
        return planes
    }
}
