import CLIP
import Checkpoints
import Foundation
import Pixels
import Printing
import SystemSupport
import Tensors
import World

/// Frame sequences (runs) of generated scenes, as frame embeddings of a frozen image tower, stored in a file.
///
/// Training windows are cut from them at any position.
struct WorldRuns: Sendable {
    /// The length of a run (a generated frame sequence), in frames.
    static let length = 16
    /// The number of runs (generated frame sequences).
    let count: Int
    let seed: UInt64
    /// The length of a window, in frames.
    let window: Int
    let fps: Double
    /// The number of values in a frame embedding.
    let width: Int
    private let file: MappedFile

    /// The number of positions that a window can have within a run (a longer frame sequence).
    var places: Int { Self.length - window + 1 }

    /// Opens the file of frame embeddings in `folder`, or computes and writes it.
    ///
    /// The file's name contains the model's hash, the seed and the number of runs (frame sequences). Throws
    /// `ModelError` if a window is not shorter than a run, and `CancellationError` if `stop` is raised.
    init(
        _ model: ModelDirectory, seed: UInt64, count: Int, folder: URL, precision: Precision, stop: StopFlag,
        _ reporter: ProgressReporter
    ) throws {
        (self.count, self.seed, width) = (count, seed, model.architecture.embedding)
        (window, fps) = (model.defaults.frames, model.defaults.fps)
        guard window < Self.length else { throw ModelError(model.url.path, "its window is too long for runs") }
        try StagedDirectory.makeDirectory(folder)
        let hash = model.identity.split(separator: "@").last ?? ""
        let url = folder.appending(path: "runs-\(hash)-\(seed)-\(count).f32")
        let size = count * Self.length * width * 4
        let known = try? url.resourceValues(forKeys: [.fileSizeKey]).fileSize
        if known != size { try Self.make(model, seed, count, fps, precision, url, stop, reporter) }
        file = try MappedFile(path: url.path)
    }

    /// Draws and embeds all frame sequences, and writes them atomically as float32 `[runs, length, d]`, little-endian.
    private static func make(
        _ model: ModelDirectory, _ seed: UInt64, _ count: Int, _ fps: Double, _ precision: Precision, _ url: URL,
        _ stop: StopFlag, _ reporter: ProgressReporter
    ) throws {
        let encoder = try CLIP.ImageEncoder(
            model.tensors, architecture: model.architecture, normalisation: model.normalisation,
            precision: precision.resolved(for: model.architecture), packed: nil)
        let part = url.appendingPathExtension("part")
        try? FileManager.default.removeItem(at: part)
        defer { try? FileManager.default.removeItem(at: part) }
        let output = try OutputFile(path: part.path)
        let side = model.architecture.vision.side
        for start in stride(from: 0, to: count, by: 8) {
            if stop.isRaised { throw CancellationError() }
            let pictures = concurrentMap(min(8, count - start)) { offset -> [Picture] in
                Run(seed, start + offset, fps).pictures(side: side)
            }
            let values = try encoder.encode(FrameInContext.window(pictures.flatMap { $0 })).values
            try output.write(values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) })
            reporter.progress("\(start) of \(count) runs of frames")
        }
        reporter.clear()
        try output.finish()
        guard rename(part.path, url.path) == 0 else { throw WriteError(url.path, errno: errno) }
    }

    /// Returns the frame embeddings `[window, d]` of the window that starts at frame `place` of sequence `run`.
    func embeddings(run: Int, place: Int) -> [Float] {
        let start = (run * Self.length + place) * width * 4
        let bytes = file.withBytes(start..<start + window * width * 4) { Array($0) }
        return (0..<window * width).map { index in
            let at = index * 4
            let low = UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8
            return Float(bitPattern: low | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24)
        }
    }

    /// Returns which statements are true of the window that starts at frame `place` of sequence `run`.
    func facts(run: Int, place: Int) -> Facts {
        let made = Run(seed, run, fps)
        return Facts(made.scene, times: Array(made.times[place..<place + window]))
    }

    /// A generated frame sequence, determined by a seed and a number.
    private struct Run {
        let scene: Scene
        let times: [Double]
        private var random: SeededRandom

        init(_ seed: UInt64, _ number: Int, _ fps: Double) {
            random = SeededRandom(seed: WorldSeed.mix(seed, number, 7))
            scene = Scene.random(&random)
            let span = Double(WorldRuns.length - 1) / fps
            let start = scene.windowStart(span: 7 / fps, &random) - random.uniform(0, max(0, span - 7 / fps))
            // Frames of a real stream are up to 20 ms early or late.
            var times: [Double] = []
            for frame in 0..<WorldRuns.length {
                times.append(start + Double(frame) / fps + random.uniform(-0.02, 0.02))
            }
            self.times = times
        }

        /// Draws the pictures of all frames, with one simulated camera.
        func pictures(side: Int) -> [Picture] {
            var random = random
            var view = SquareView(scene, side: side, &random)
            return times.map { Picture(side: side, rgb: view.picture(at: $0)) }
        }
    }
}
