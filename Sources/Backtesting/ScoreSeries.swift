import Engine
import Matching

/// The values of all windows of one query on one lane, 12 bytes a window, and what other thresholds would have made of
/// them.
struct ScoreSeries {
    private var values: [Float] = []
    /// Milliseconds from the first window's end to the window's end.
    private var ends: [UInt32] = []
    /// Seconds from its first frame to its last.
    private var lengths: [Float] = []
    private var start: Double?
    private let policy: EventPolicy

    init(_ policy: EventPolicy) { self.policy = policy }

    /// Windows, without the breaks between them.
    private(set) var count = 0
    /// Whether any window has come since the last break.
    private var isBroken: Bool { values.last.map(\.isNaN) ?? true }

    mutating func add(_ value: Float, _ span: WindowSpan) {
        let first = start ?? span.wallEnd
        start = first
        count += 1
        values.append(value)
        // A clock that was set back: such a window counts as being at the time of the one before.
        let offset = UInt32(clamping: Int(((span.wallEnd - first) * 1000).rounded()))
        ends.append(max(offset, ends.last ?? 0))
        lengths.append(Float(max(0, span.wallEnd - span.wallStart)))
    }

    /// What comes next continues nothing.
    mutating func close() {
        guard !isBroken else { return }
        values.append(.nan)
        ends.append(ends.last ?? 0)
        lengths.append(0)
    }

    /// Events that a threshold would have made, by the query's own policy.
    func alerts(at threshold: Float) -> Int {
        var tracker = EventTracker(policy)
        var isIdle = true
        var count = 0
        for (place, value) in values.enumerated() {
            // A tracker that is idle does nothing with what is below its threshold.
            if isIdle, !(value >= threshold) { continue }
            guard !value.isNaN else {
                _ = tracker.close()
                isIdle = tracker.isIdle
                continue
            }
            let end = Double(ends[place]) / 1000
            let begin = end - Double(lengths[place])
            let span = WindowSpan(mediaStart: begin, mediaEnd: end, wallStart: begin, wallEnd: end, frames: 1)
            count += tracker.observe(value, threshold: threshold, span: span).count { $0.phase == .start }
            isIdle = tracker.isIdle
        }
        return count
    }

    /// Thresholds from the median to the highest value, in even steps, and the alerts of each.
    func curve(steps: Int = 33) -> [(threshold: Float, alerts: Int)] {
        guard let range else { return [] }
        return (0..<steps).map { step in
            let threshold = range.lowerBound + (range.upperBound - range.lowerBound) * Float(step) / Float(steps - 1)
            return (threshold, alerts(at: threshold))
        }
    }

    /// The lowest threshold found that makes at most so many alerts; nil where there is no window.
    func threshold(forAtMost wanted: Double) -> Float? {
        guard let range else { return nil }
        var (low, high) = (range.lowerBound, range.upperBound.nextUp)
        guard Double(alerts(at: low)) > wanted else { return low }
        for _ in 0..<20 {
            let middle = (low + high) / 2
            if Double(alerts(at: middle)) > wanted { low = middle } else { high = middle }
        }
        return high
    }

    /// Counts of values in equal bins from the lowest to the highest.
    func histogram(bins: Int = 48) -> (low: Float, high: Float, counts: [Int])? {
        let numbers = values.lazy.filter { !$0.isNaN }
        guard let low = numbers.min(), let high = numbers.max() else { return nil }
        var counts = [Int](repeating: 0, count: bins)
        for value in numbers {
            let place = high > low ? Int((value - low) / (high - low) * Float(bins)) : 0
            counts[min(bins - 1, place)] += 1
        }
        return (low, high, counts)
    }

    /// From the median to the highest value.
    private var range: ClosedRange<Float>? {
        // Of many, a sample tells the median well enough.
        let step = max(1, values.count / 4096)
        let sample = stride(from: 0, to: values.count, by: step).map { values[$0] }.filter { !$0.isNaN }.sorted()
        guard !sample.isEmpty, let highest = values.lazy.filter({ !$0.isNaN }).max() else { return nil }
        return sample[sample.count / 2]...highest
    }
}
