import Benchmarking
import CommandSupport
import Foundation
import History
import SystemSupport
import Tensors

/// Writes a history of invented cameras, whose embeddings are random walks determined by a seed.
struct SyntheticHistory {
    static let model = "synthetic@0"
    let path: String
    let cameras: Int
    /// The number of frames of each camera.
    let count: Int
    let fps: Double
    let gated: Double
    let width: Int
    let frames: Int
    let seed: UInt64

    /// The time of the cameras' first frame, 2026-01-01, in seconds since 1970.
    private static let start = 1_767_225_600.0
    /// The end of the synthetic history, in seconds since 1970.
    var end: Double { Self.start + Double(count) / fps }

    private func name(_ camera: Int) -> String { "camera-\(camera)" }

    /// Writes the history of all cameras that have none yet; returns the processor time of writing, in seconds.
    ///
    /// `exporting` is a file for the normalised embedding of each window, `[windows, width]`, camera by camera.
    func write(exporting file: String?) throws -> Double {
        var settings = HistoryWriter.Settings(
            model: Self.model, width: width, window: frames, retention: HistoryRetention(days: nil, bytes: nil))
        settings.depth = 8192
        let output = try file.map { try FileWriter($0) }
        var seconds = 0.0
        for camera in 0..<cameras {
            Terminal.progress("writing camera \(camera + 1) of \(cameras)")
            let isThere = HistoryFolder(path).segments(of: name(camera)).isEmpty == false
            if isThere, output == nil { continue }
            let writer = try HistoryWriter(path, settings)
            var walk = Walk(seed: seed &+ UInt64(camera), width: width)
            var mean = WindowMean(width: width, frames: frames)
            for from in stride(from: 0, to: count, by: 4096) {
                let rows = (from..<min(count, from + 4096)).map { _ in walk.next(gated) }
                for row in rows { if let output, let unit = mean.push(row) { try output.write(unit) } }
                guard !isThere else { continue }
                let began = Self.processorSeconds
                for (place, row) in rows.enumerated() {
                    writer.append(
                        HistoryFrame(
                            stream: name(camera), embedding: row, media: Double(from + place) / fps,
                            wall: Self.start + Double(from + place) / fps, isDiscontinuity: from + place == 0,
                            isRepeat: row == nil))
                }
                writer.flush()
                seconds += Self.processorSeconds - began
            }
            writer.close()
        }
        try output?.close()
        return seconds
    }

    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Returns the number of the row, in the exported file, that has a moment's best window; -1 if there is none.
    func row(_ moment: HistoryMoment?) -> Int {
        guard let moment, let camera = camera(moment) else { return -1 }
        return camera * (count - frames + 1) + last(moment) - frames + 1
    }

    private func camera(_ moment: HistoryMoment) -> Int? { Int(moment.stream.dropFirst("camera-".count)) }
    /// Returns the index of the last frame of a moment's best window, among its camera's frames.
    private func last(_ moment: HistoryMoment) -> Int { Int((moment.mediaPeak * fps).rounded()) }

    /// Returns the largest error of the moments' scores, compared with float64, for each list of search results.
    func worst(_ kinds: [[(text: [Float], moments: [HistoryMoment])]]) -> [Float] {
        var wanted: [Int: [Int: [(kind: Int, text: [Float], score: Float)]]] = [:]
        for (kind, found) in kinds.enumerated() {
            for (text, moments) in found {
                for moment in moments {
                    guard let camera = camera(moment) else { continue }
                    wanted[camera, default: [:]][last(moment), default: []].append((kind, text, moment.score))
                }
            }
        }
        var worst = [Float](repeating: 0, count: kinds.count)
        for (camera, ends) in wanted {
            var walk = Walk(seed: seed &+ UInt64(camera), width: width)
            var mean = WindowMean(width: width, frames: frames)
            for frame in 0...(ends.keys.max() ?? 0) {
                let row = walk.next(gated)
                mean.slide(row)
                guard let asked = ends[frame] else { continue }
                let unit = mean.unit
                for (kind, text, score) in asked {
                    let exact = zip(unit ?? [], text).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                    worst[kind] = max(worst[kind], abs(Float(exact) - score))
                }
            }
        }
        return worst
    }
}

extension SyntheticHistory {
    /// A random walk of embeddings around a fixed point, like those of a camera's pictures.
    struct Walk {
        private var random: SeededRandom
        private let home: [Float]
        private var drift: [Float]

        init(seed: UInt64, width: Int) {
            random = SeededRandom(seed: seed)
            var numbers = SeededNumbers(seed: ~seed)
            home = numbers.numbers(width, deviation: 1)
            drift = [Float](repeating: 0, count: width)
        }

        /// Returns the next embedding; nil, with probability `gated`, for a picture that did not change.
        mutating func next(_ gated: Double) -> [Float]? {
            if gated > 0, random.unit() < gated { return nil }
            var bits: UInt64 = 0
            for place in drift.indices {
                if place % 4 == 0 { bits = random.next() }
                drift[place] = 0.9 * drift[place] + Float(Int16(truncatingIfNeeded: bits)) / 0x1p15
                bits >>= 16
            }
            return zip(home, drift).map { 7 * ($0 + 0.5 * $1) }
        }
    }
}

/// Computes the mean of a window's normalised embeddings in float64, to check scores of the mean head.
private struct WindowMean {
    private let frames: Int
    private var rows: [[Float]] = []
    private var sum: [Double]

    init(width: Int, frames: Int) {
        self.frames = frames
        sum = [Double](repeating: 0, count: width)
    }

    /// Adds an embedding to the window, and drops the oldest of more than `frames`; nil repeats the last one.
    mutating func slide(_ embedding: [Float]?) {
        guard let row = embedding.map(Products.unit) ?? rows.last else { return }
        for place in sum.indices { sum[place] += Double(row[place]) }
        rows.append(row)
        if rows.count > frames {
            let old = rows.removeFirst()
            for place in sum.indices { sum[place] -= Double(old[place]) }
        }
    }

    /// The normalised mean of the window's embeddings; nil until the window is full.
    var unit: [Float]? {
        guard rows.count == frames else { return nil }
        let norm = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return sum.map { Float($0 / norm) }
    }

    /// Adds an embedding to the window; returns the window's normalised mean as float32, or nil until it is full.
    mutating func push(_ embedding: [Float]?) -> Data? {
        slide(embedding)
        return unit.map { unit in unit.withUnsafeBytes { Data($0) } }
    }
}
