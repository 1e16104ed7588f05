import CLIP
import Checkpoints
import Foundation
import Pixels
import Printing
import SystemSupport
import Tensors
import World

/// Runs (frame sequences) of the shapes world, embedded by a frozen image tower and kept on disk for windows.
struct WorldRuns: Sendable {
    /// The length of a run, in frames.
    static let length = 16
    /// The number of runs.
    let count: Int
    let seed: UInt64
    /// The length of a window, in frames.
    let window: Int
    let fps: Double
    /// The embedding width.
    let width: Int
    private let file: MappedFile

    /// The number of positions of a window in a run.
    var places: Int { Self.length - window + 1 }

    /// Opens the folder's file of these runs, or makes it.
    ///
    /// The file's name contains the model's hash, the seed and the number of runs. Throws `ModelError` if a window is
    /// not shorter than a run, and `CancellationError` if `stop` is raised.
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

    /// Renders and embeds all runs: little-endian float32 `[runs, length, d]`, the whole file or none.
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

    /// The frame embeddings `[window, d]` of a window.
    func embeddings(run: Int, place: Int) -> [Float] {
        let start = (run * Self.length + place) * width * 4
        let bytes = file.withBytes(start..<start + window * width * 4) { Array($0) }
        return (0..<window * width).map { index in
            let at = index * 4
            let low = UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8
            return Float(bitPattern: low | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24)
        }
    }

    /// The facts of a window.
    func facts(run: Int, place: Int) -> Facts {
        let made = Run(seed, run, fps)
        return Facts(made.scene, times: Array(made.times[place..<place + window]))
    }

    /// A run, determined by a seed and a number.
    private struct Run {
        let scene: Scene
        let times: [Double]
        private var random: SeededRandom

        init(_ seed: UInt64, _ number: Int, _ fps: Double) {
            random = SeededRandom(seed: WorldSeed.mix(seed, number, 7))
            scene = Scene.random(&random)
            let span = Double(WorldRuns.length - 1) / fps
            let start = scene.windowStart(span: 7 / fps, &random) - random.uniform(0, max(0, span - 7 / fps))
            // Frames of a stream come up to 20 ms early or late.
            var times: [Double] = []
            for frame in 0..<WorldRuns.length {
                times.append(start + Double(frame) / fps + random.uniform(-0.02, 0.02))
            }
            self.times = times
        }

        /// Draws the run's frames, all by one camera.
        func pictures(side: Int) -> [Picture] {
            var random = random
            var view = SquareView(scene, side: side, &random)
            return times.map { Picture(side: side, rgb: view.picture(at: $0)) }
        }
    }
}
