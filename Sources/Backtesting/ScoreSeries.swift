import Engine
import Matching

/// The scores of all windows of one query on one stream or region, to count the alerts at other thresholds.
///
/// It holds 16 bytes for each window.
struct ScoreSeries {
    /// The scores in order; NaN is a gap in the stream, minus infinity a blind picture (black, frozen or blurred).
    private var values: [Float] = []
    /// The time of each window's last frame, in seconds since 1970.
    private var ends: [Double] = []
    /// The time from each window's first frame to its last, in seconds.
    private var lengths: [Float] = []
    /// The highest score in each run of 16 values; `lowest` has the lowest, where a gap counts as minus infinity.
    ///
    /// Both let a search skip runs that contain no wanted value.
    private var highest: [Float] = []
    private var lowest: [Float] = []
    private static let stretch = 16
    /// The number of thresholds on the curve of alerts.
    private static let steps = 33
    private let policy: EventPolicy

    /// Makes an empty series; `room` is the expected number of windows.
    init(_ policy: EventPolicy, room: Int = 0) {
        self.policy = policy
        values.reserveCapacity(room)
        ends.reserveCapacity(room)
        lengths.reserveCapacity(room)
    }

    /// The number of windows, not counting gaps between frames and blind (black, frozen or blurred) pictures.
    private(set) var count = 0
    /// True if the series is empty or ends with a break (a gap between frames).
    private var isBroken: Bool { values.last.map(\.isNaN) ?? true }
    /// The scores of windows, without the marks of gaps between frames and of blind pictures.
    private var numbers: some Sequence<Float> { values.lazy.filter(\.isFinite) }

    /// Adds the score of a window; the times of its first and last frame are in seconds since 1970.
    mutating func add(_ value: Float, from begin: Double, to end: Double) {
        guard value.isFinite else { return }
        count += 1
        append(value, end, Float(max(0, end - begin)))
    }

    /// Adds a blind picture (black, frozen or blurred), which matches no query.
    mutating func addBlind(at time: Double) { append(-.infinity, time, 0) }

    /// Adds a break (a gap between frames), after which no event continues; does nothing if the series ends with one.
    mutating func close() {
        if !isBroken { append(.nan, ends.last ?? 0, 0) }
    }

    private mutating func append(_ value: Float, _ end: Double, _ length: Float) {
        if values.count % Self.stretch == 0 {
            highest.append(-.infinity)
            lowest.append(.infinity)
        }
        let stretch = highest.count - 1
        highest[stretch] = max(highest[stretch], value.isNaN ? -.infinity : value)
        lowest[stretch] = min(lowest[stretch], value.isNaN ? -.infinity : value)
        values.append(value)
        // If the clock was set back, the window gets the time of the previous one.
        ends.append(max(end, ends.last ?? end))
        lengths.append(length)
    }

    /// Returns the number of alerts that the query would have given at this threshold.
    func alerts(at threshold: Float) -> Int {
        var tracker = EventTracker(policy)
        var count = 0
        var place = 0
        while let next = next(from: place, for: tracker, threshold) {
            // The tracker must know the window directly before the next one, whatever was skipped.
            if next > place, !tracker.isIdle { count += observe(next - 1, &tracker, threshold) }
            if values[next].isNaN {
                _ = tracker.close()
            } else {
                count += observe(next, &tracker, threshold)
            }
            place = next + 1
        }
        return count
    }

    /// Returns the index of the next window or gap that may change the state of `tracker`; nil if there is none.
    ///
    /// While the tracker is idle, that is a score at the threshold; while an event is open, a score that may end it.
    private func next(from start: Int, for tracker: EventTracker, _ threshold: Float) -> Int? {
        if tracker.isCooling {
            return tracker.isIdle
                ? first(from: start, skipping: { highest[$0] < threshold }, where: { $0 >= threshold })
                : first(from: start, skipping: { _ in false }, where: { $0 >= threshold || $0.isNaN })
        }
        guard tracker.isOpen, policy.windows == 1 else { return start < values.count ? start : nil }
        let hold = threshold - policy.hysteresis
        return first(from: start, skipping: { lowest[$0] >= hold }, where: { !($0 >= hold) })
    }

    /// Returns the index of the first value from `start` on for which `isWanted` is true.
    ///
    /// `skips` must return true if a run of 16 values, given by its number, contains no such value.
    private func first(from start: Int, skipping skips: (Int) -> Bool, where isWanted: (Float) -> Bool) -> Int? {
        var place = start
        while place < values.count {
            let end = min(values.count, (place / Self.stretch + 1) * Self.stretch)
            if !skips(place / Self.stretch), let found = values[place..<end].firstIndex(where: isWanted) {
                return found
            }
            place = end
        }
        return nil
    }

    private func observe(_ place: Int, _ tracker: inout EventTracker, _ threshold: Float) -> Int {
        let end = ends[place]
        let begin = end - Double(lengths[place])
        let span = WindowSpan(mediaStart: begin, mediaEnd: end, wallStart: begin, wallEnd: end, frames: 1)
        return tracker.observe(values[place], threshold: threshold, span: span).count { $0.phase == .start }
    }

    /// Returns evenly spaced thresholds from the median score to the highest, and the number of alerts at each.
    func curve() -> [(threshold: Float, alerts: Int)] {
        guard let range else { return [] }
        return (0..<Self.steps).map { step in
            let share = Float(step) / Float(Self.steps - 1)
            let threshold = range.lowerBound + (range.upperBound - range.lowerBound) * share
            return (threshold, alerts(at: threshold))
        }
    }

    /// Returns the lowest threshold above which none gives more than `wanted` alerts; nil without windows.
    ///
    /// The search begins at the highest score, because a lower threshold does not always give more alerts: at a very
    /// low one, an event may never end.
    func threshold(forAtMost wanted: Double) -> Float? {
        guard let range else { return nil }
        var high = range.upperBound.nextUp
        let step = (range.upperBound - range.lowerBound) / Float(Self.steps - 1)
        for place in (0..<Self.steps).reversed() {
            var low = range.lowerBound + step * Float(place)
            guard Double(alerts(at: low)) > wanted else {
                high = low
                continue
            }
            for _ in 0..<16 {
                let middle = (low + high) / 2
                if Double(alerts(at: middle)) > wanted { low = middle } else { high = middle }
            }
            return high
        }
        return high
    }

    /// Counts the scores in bins of equal width from the lowest score to the highest; nil without windows.
    func histogram(bins: Int = 48) -> (low: Float, high: Float, counts: [Int])? {
        guard let low = numbers.min(), let high = numbers.max() else { return nil }
        var counts = [Int](repeating: 0, count: bins)
        let scale = high > low ? Float(bins) / (high - low) : 0
        for value in numbers { counts[min(bins - 1, Int((value - low) * scale))] += 1 }
        return (low, high, counts)
    }

    /// The range from the median score to the highest; nil without windows.
    private var range: ClosedRange<Float>? {
        // A sample of at most some thousand scores suffices for the median.
        let step = max(1, values.count / 4096)
        let sample = stride(from: 0, to: values.count, by: step).map { values[$0] }.filter(\.isFinite).sorted()
        guard !sample.isEmpty, let most = highest.max(), most.isFinite else { return nil }
        return sample[sample.count / 2]...most
    }
}
