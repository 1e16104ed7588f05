import Engine
import Matching

/// The values of all windows of one query on one lane, to find what other thresholds would have given.
///
/// It holds 16 bytes a window.
struct ScoreSeries {
    /// The values in order; NaN is a break, minus infinity a picture that shows nothing.
    private var values: [Float] = []
    /// The time of each window's last frame, in seconds since 1970.
    private var ends: [Double] = []
    /// The seconds from each window's first frame to its last.
    private var lengths: [Float] = []
    /// The highest value of each stretch; `lowest` has the lowest, for which a break counts as the lowest of all.
    private var highest: [Float] = []
    private var lowest: [Float] = []
    private static let stretch = 16
    /// The number of thresholds of a curve.
    private static let steps = 33
    private let policy: EventPolicy

    /// Makes an empty series; `room` is the expected number of windows.
    init(_ policy: EventPolicy, room: Int = 0) {
        self.policy = policy
        values.reserveCapacity(room)
        ends.reserveCapacity(room)
        lengths.reserveCapacity(room)
    }

    /// The number of windows, without breaks and blind pictures.
    private(set) var count = 0
    /// Whether no window has come since the last break.
    private var isBroken: Bool { values.last.map(\.isNaN) ?? true }
    /// The values of windows.
    private var numbers: some Sequence<Float> { values.lazy.filter(\.isFinite) }

    /// Adds a window; the times of its first and last frame are in seconds since 1970.
    mutating func add(_ value: Float, from begin: Double, to end: Double) {
        guard value.isFinite else { return }
        count += 1
        append(value, end, Float(max(0, end - begin)))
    }

    /// Adds a picture that shows nothing, which matches no query.
    mutating func addBlind(at time: Double) { append(-.infinity, time, 0) }

    /// Adds a break: the next window continues nothing.
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
        // A clock that was set back: such a window counts as being at the time of the one before.
        ends.append(max(end, ends.last ?? end))
        lengths.append(length)
    }

    /// The number of events that a threshold would have given, under the query's own policy.
    func alerts(at threshold: Float) -> Int {
        var tracker = EventTracker(policy)
        var count = 0
        var place = 0
        while let next = next(from: place, for: tracker, threshold) {
            // The tracker goes by the window before the next one, whatever was passed over.
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

    /// The next window or break that may change the tracker's state.
    ///
    /// While it is idle, that is a value at the threshold; while an event is open, a value that may end it.
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

    /// The first wanted value from an index on; `skips` tells whether a stretch has none.
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

    /// Evenly spaced thresholds from the median to the highest value, and the number of alerts of each.
    func curve() -> [(threshold: Float, alerts: Int)] {
        guard let range else { return [] }
        return (0..<Self.steps).map { step in
            let share = Float(step) / Float(Self.steps - 1)
            let threshold = range.lowerBound + (range.upperBound - range.lowerBound) * share
            return (threshold, alerts(at: threshold))
        }
    }

    /// The lowest threshold above which no threshold gives more than `wanted` alerts; nil without windows.
    ///
    /// A lower threshold does not always give more alerts: at a very low one, an event may never end. So the search
    /// begins at the top.
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

    /// The counts of values in equal bins from the lowest to the highest.
    func histogram(bins: Int = 48) -> (low: Float, high: Float, counts: [Int])? {
        guard let low = numbers.min(), let high = numbers.max() else { return nil }
        var counts = [Int](repeating: 0, count: bins)
        let scale = high > low ? Float(bins) / (high - low) : 0
        for value in numbers { counts[min(bins - 1, Int((value - low) * scale))] += 1 }
        return (low, high, counts)
    }

    /// The range from the median to the highest value.
    private var range: ClosedRange<Float>? {
        // Of many, a sample tells the median well enough.
        let step = max(1, values.count / 4096)
        let sample = stride(from: 0, to: values.count, by: step).map { values[$0] }.filter(\.isFinite).sorted()
        guard !sample.isEmpty, let most = highest.max(), most.isFinite else { return nil }
        return sample[sample.count / 2]...most
    }
}
