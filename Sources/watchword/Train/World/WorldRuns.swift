import CLIP
import Checkpoints
import Foundation
import Pixels
import SystemSupport
import Tensors
import World

/// Runs of frames of the world, embedded by a frozen image tower and kept on disk: windows are cut from them.
struct WorldRuns: Sendable {
    /// Frames of a run.
    static let length = 16
    let count: Int
    let seed: UInt64
    let window: Int
    let fps: Double
    let width: Int
    private let file: MappedFile

    /// Places of a window in a run.
    var places: Int { Self.length - window + 1 }

    /// Opens what is in the folder, or makes it; a seed, the number of runs and the model's hash determine it.
    init(
        _ model: ModelDirectory, seed: UInt64, count: Int, folder: URL, precision: Precision, stop: StopSign
    ) throws {
        (self.count, self.seed, width) = (count, seed, model.architecture.embedding)
        (window, fps) = (model.defaults.frames, model.defaults.fps)
        guard window < Self.length else { throw ModelError(model.url.path, "its window is too long for runs") }
        try StagedDirectory.makeDirectory(folder)
        let hash = model.identity.split(separator: "@").last ?? ""
        let place = folder.appending(path: "runs-\(hash)-\(seed)-\(count).f32")
        let size = count * Self.length * width * 4
        let known = try? place.resourceValues(forKeys: [.fileSizeKey]).fileSize
        if known != size { try Self.make(model, seed, count, fps, precision, place, stop) }
        file = try MappedFile(path: place.path)
    }

    private static func make(
        _ model: ModelDirectory, _ seed: UInt64, _ count: Int, _ fps: Double, _ precision: Precision, _ place: URL,
        _ stop: StopSign
    ) throws {
        let encoder = try CLIP.ImageEncoder(
            model.tensors, architecture: model.architecture, normalisation: model.normalisation,
            precision: precision.resolved(for: model.architecture), packed: nil)
        let side = model.architecture.vision.side
        try AtomicFile.write(to: place.path) { part in
            let output = try OutputFile(path: part)
            for start in stride(from: 0, to: count, by: 8) {
                if stop.isRaised { throw CancellationError() }
                let pictures = PictureBatches.each(min(8, count - start)) { offset -> [Picture] in
                    Run(seed, start + offset, fps).pictures(side: side)
                }
                let values = try encoder.encode(FrameInContext.window(pictures.flatMap { $0 })).values
                try output.write(values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) })
                Terminal.progress("\(start) of \(count) runs of frames")
            }
            Terminal.progress("")
            try output.finish()
        }
    }

    /// Frame embeddings `[window, d]`.
    func embeddings(run: Int, place: Int) -> [Float] {
        let start = (run * Self.length + place) * width * 4
        let bytes = file.withBytes(start..<start + window * width * 4) { Array($0) }
        return (0..<window * width).map { index in
            let at = index * 4
            let low = UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8
            return Float(bitPattern: low | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24)
        }
    }

    /// What is true of a window.
    func facts(run: Int, place: Int) -> Facts {
        let made = Run(seed, run, fps)
        return Facts(made.scene, times: Array(made.times[place..<place + window]))
    }

    /// One run, as its seed and number determine it.
    private struct Run {
        let scene: Scene
        let times: [Double]
        private var random: SeededRandom

        init(_ seed: UInt64, _ number: Int, _ fps: Double) {
            random = SeededRandom(seed: PictureBatches.mix(seed, number, 7))
            scene = Scene.random(&random)
            let span = Double(WorldRuns.length - 1) / fps
            let start = scene.windowStart(span: 7 / fps, &random) - random.uniform(0, max(0, span - 7 / fps))
            // Streams deliver a little off the beat.
            var times: [Double] = []
            for frame in 0..<WorldRuns.length {
                times.append(start + Double(frame) / fps + random.uniform(-0.02, 0.02))
            }
            self.times = times
        }

        func pictures(side: Int) -> [Picture] {
            var random = random
            // The same camera for all frames.
            var view = SquareView(scene, side: side, &random)
            return times.map { Picture(side: side, rgb: view.picture(at: $0)) }
        }
    }
}
