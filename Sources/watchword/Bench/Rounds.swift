import Foundation

/// Several things timed in turns, so that whatever else the machine does meets them alike.
struct Rounds {
    let count: Int
    /// How long each thing runs in a round, seconds.
    let slice: Double

    /// Seconds that one run took, in the middle round and in the fastest and slowest.
    struct Timing {
        let median: Double
        let fastest: Double
        let slowest: Double
    }

    /// Times each of `works` once a round.
    ///
    /// They may use thread pools that spin for a while after their work (OpenBLAS has one, oneDNN's OpenMP another), so
    /// each has time to fall asleep before the next one starts; then one run is not counted, to wake its own.
    func time(_ works: [() throws -> Void], progress: (Int) -> Void) throws -> [Timing] {
        let repeats = try works.map { work in
            try work()
            let once = try seconds(work)
            return max(1, Int(slice / max(once, 1e-9)))
        }
        var times = [[Double]](repeating: [], count: works.count)
        for round in 0..<count {
            progress(round)
            for (index, work) in works.enumerated() {
                Thread.sleep(forTimeInterval: 0.04)
                try work()
                let taken = try seconds { for _ in 0..<repeats[index] { try work() } }
                times[index].append(taken / Double(repeats[index]))
            }
        }
        return times.map { times in
            let sorted = times.sorted()
            return Timing(median: sorted[sorted.count / 2], fastest: sorted[0], slowest: sorted[sorted.count - 1])
        }
    }

    private func seconds(_ work: () throws -> Void) rethrows -> Double {
        let clock = ContinuousClock()
        let taken = try clock.measure(work)
        return taken / .seconds(1)
    }
}
