/// The highest cluster peaks of a stretch of time: what a tail is fitted to.
///
/// Windows overlap, so their scores come in runs: all scores above `level` that are not parted by `gap` seconds below
/// it are one cluster, as they would be one alert. Keeps the `capacity` highest peaks and says above which score it has
/// all.
struct NullPeaks: Sendable, Codable, Equatable {
    static let capacity = 192

    let level: Float
    /// Seconds that were watched.
    private(set) var seconds = 0.0
    private(set) var clusters = 0
    /// A heap, its least first.
    private var heap: [Float] = []
    /// The highest peak that found no room.
    private(set) var floor: Float?
    private var open: Open?

    private struct Open: Sendable, Codable, Equatable {
        var peak: Float
        var last: Double
    }

    init(level: Float) { self.level = level }

    /// Reads what was kept; refuses what no stretch of time can be.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        level = try values.decode(Float.self, forKey: .level)
        seconds = try values.decode(Double.self, forKey: .seconds)
        clusters = try values.decode(Int.self, forKey: .clusters)
        heap = try values.decode([Float].self, forKey: .heap)
        floor = try values.decodeIfPresent(Float.self, forKey: .floor)
        open = try values.decodeIfPresent(Open.self, forKey: .open)
        guard heap.count <= Self.capacity, (0..<1 << 50).contains(clusters), seconds >= 0 else {
            throw DecodingError.dataCorruptedError(
                forKey: .heap, in: values,
                debugDescription: "expected at most \(Self.capacity) peaks, and numbers from 0")
        }
    }

    /// Takes a score at a time in seconds; returns the peak of a cluster that has ended.
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

    /// A peak that belongs to the null.
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

    /// All peaks that it has, in no order.
    var peaks: [Float] { heap }
}
