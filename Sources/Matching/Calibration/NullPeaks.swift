/// The highest scores that occurred by chance in a period, one per run of high scores; `TailFit` is fitted to them.
///
/// Windows overlap, so high scores come in runs. Scores above `level` form one run (cluster), as they would form one
/// alert, unless `gap` seconds below the level separate them. The type keeps the `capacity` highest peaks of clusters.
/// It knows the score (`floor`) above which none is missing.
struct NullPeaks: Sendable, Codable, Equatable {
    static let capacity = 192

    let level: Float
    /// The number of seconds watched in this period.
    private(set) var seconds = 0.0
    private(set) var clusters = 0
    /// The kept score peaks, as a heap with the lowest first.
    private var heap: [Float] = []
    /// The highest score peak that was not kept; nil if all were.
    private(set) var floor: Float?
    private var open: Open?

    private struct Open: Sendable, Codable, Equatable {
        var peak: Float
        var last: Double
    }

    init(level: Float) { self.level = level }

    /// Decodes a saved value; throws if its score peaks are too many or no heap, or if a number is out of bounds.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        level = try values.decode(Float.self, forKey: .level)
        seconds = try values.decode(Double.self, forKey: .seconds)
        clusters = try values.decode(Int.self, forKey: .clusters)
        heap = try values.decode([Float].self, forKey: .heap)
        floor = try values.decodeIfPresent(Float.self, forKey: .floor)
        open = try values.decodeIfPresent(Open.self, forKey: .open)
        let numbers = heap + [level] + [floor, open?.peak].compactMap { $0 }
        guard heap.count <= Self.capacity, (0..<1 << 50).contains(clusters), seconds >= 0, seconds.isFinite,
            numbers.allSatisfy(\.isFinite)
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .heap, in: values,
                debugDescription: "expected at most \(Self.capacity) peaks, and numbers from 0")
        }
        guard heap.indices.dropFirst().allSatisfy({ heap[($0 - 1) / 2] <= heap[$0] }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .heap, in: values, debugDescription: "expected each peak to be at least that above it")
        }
    }

    /// Adds the score of the window at `time`, `step` seconds after the last one; returns the peak of a cluster that
    /// has ended, or nil.
    ///
    /// A cluster is a run of scores above `level`; it ends after `gap` seconds below the level.
    mutating func observe(_ score: Float, at time: Double, after step: Double, gap: Double) -> Float? {
        seconds += step
        if score > level {
            if var cluster = open, time - cluster.last <= gap, time >= cluster.last {
                cluster.peak = max(cluster.peak, score)
                cluster.last = time
                open = cluster
                return nil
            }
            let ended = open?.peak
            open = Open(peak: score, last: time)
            return ended
        }
        guard let cluster = open, time - cluster.last > gap || time < cluster.last else { return nil }
        open = nil
        return cluster.peak
    }

    /// Adds the peak of a cluster (a run of high scores) that occurred by chance.
    mutating func keep(_ peak: Float) {
        clusters += 1
        guard heap.count == Self.capacity else {
            heap.append(peak)
            var child = heap.count - 1
            while child > 0, heap[child] < heap[(child - 1) / 2] {
                heap.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
            return
        }
        let lost = min(peak, heap[0])
        floor = max(floor ?? lost, lost)
        guard peak > heap[0] else { return }
        heap[0] = peak
        var parent = 0
        while let least = [2 * parent + 1, 2 * parent + 2].filter({ $0 < heap.count }).min(by: { heap[$0] < heap[$1] }),
            heap[least] < heap[parent]
        {
            heap.swapAt(least, parent)
            parent = least
        }
    }

    /// All kept score peaks, unordered.
    var peaks: [Float] { heap }
}
