/// The window embeddings of a stream or region in the last hour, about one a second; explanations rank a score among
/// them.
///
/// They are stored as bytes, each with a scale. The memory of an hour is allocated at once (2.1 MB at width 512), so
/// that a daemon has its full size from the start.
struct WindowHistory {
    /// The seconds for which windows are remembered.
    static let span = 3600.0
    /// The least seconds between two remembered windows: a second, less some jitter of time stamps.
    static let step = 0.9
    static let limit = Int(span / step)

    private let width: Int
    private var bytes: [Int8]
    private var scales: [Float]
    private var times: [Double]
    /// The position of the oldest window's embedding in the ring buffer.
    private var start = 0
    private(set) var count = 0

    init(width: Int) {
        self.width = width
        bytes = Array(repeating: 0, count: Self.limit * width)
        scales = Array(repeating: 0, count: Self.limit)
        times = Array(repeating: 0, count: Self.limit)
    }

    private func slot(_ index: Int) -> Int { (start + index) % Self.limit }

    /// Adds the embedding of a window that ended at `time`, in seconds, unless the last one is less than `step` older.
    mutating func append(_ embedding: ArraySlice<Float>, at time: Double) {
        guard count == 0 || time - times[slot(count - 1)] >= Self.step else { return }
        while count > 0, count == Self.limit || time - times[start] > Self.span {
            start = slot(1)
            count -= 1
        }
        let place = slot(count)
        let largest = embedding.reduce(Float(0)) { max($0, abs($1)) }
        let scale = largest > 0 ? largest / 127 : 1
        // A value that is no number, or was divided by a scale that underflowed, counts as 0.
        for (index, value) in embedding.enumerated() {
            bytes[place * width + index] = Int8(exactly: (value / scale).rounded()) ?? 0
        }
        scales[place] = scale
        times[place] = time
        count += 1
    }

    /// Returns the number of windows that score above `score` for a text embedding of length 1.
    func above(_ score: Float, of embedding: [Float]) -> Int {
        (0..<count).count { index in
            let place = slot(index)
            var sum: Float = 0
            for (weight, value) in zip(embedding, bytes[place * width..<(place + 1) * width]) {
                sum += weight * Float(value)
            }
            return sum * scales[place] > score
        }
    }
}
