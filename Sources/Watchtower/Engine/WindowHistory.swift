import DequeModule

/// The clip embeddings of a lane's last hour, so that a score can be told from those before it.
///
/// As bytes, each with a scale of its own: what is read from it is a rank, and an hour of one frame a second at width 512 takes
/// 1.9 MB.
struct WindowHistory {
    /// Seconds that are remembered, and the most windows.
    static let span = 3600.0
    static let limit = 20_000

    private let width: Int
    private var bytes: Deque<Int8> = []
    private var scales: Deque<Float> = []
    private var times: Deque<Double> = []

    init(width: Int) { self.width = width }

    var count: Int { times.count }

    /// Takes a window that ended at `time`, in seconds of the lane's clock.
    mutating func append(_ embedding: ArraySlice<Float>, at time: Double) {
        while let first = times.first, time - first > Self.span || times.count >= Self.limit {
            bytes.removeFirst(width)
            scales.removeFirst()
            times.removeFirst()
        }
        let largest = embedding.reduce(Float(0)) { max($0, abs($1)) }
        let scale = largest > 0 ? largest / 127 : 1
        bytes.append(contentsOf: embedding.lazy.map { Int8(($0 / scale).rounded()) })
        scales.append(scale)
        times.append(time)
    }

    /// How many of its windows score higher than `score` against a unit embedding.
    func above(_ score: Float, of embedding: [Float]) -> Int {
        var higher = 0
        var values = bytes.makeIterator()
        for scale in scales {
            var sum: Float = 0
            for weight in embedding { sum += weight * Float(values.next() ?? 0) }
            if sum * scale > score { higher += 1 }
        }
        return higher
    }
}
