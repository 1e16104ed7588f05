import Foundation

/// Times several closures in turns, so that other load on the machine affects all of them equally.
struct Rounds {
    let count: Int
    /// The time for which each closure is run in a round, in seconds.
    let slice: Double

    /// The pause before each closure, in seconds, in which threads of the previous one fall asleep.
    ///
    /// Threads of OpenBLAS and oneDNN spin for a while after a call.
    private static let pause: TimeInterval = 0.04

    /// The durations of one call in the median, the fastest and the slowest round, in seconds.
    struct Timing {
        let median: Double
        let fastest: Double
        let slowest: Double
    }

    /// Times each of `works` once in each round, after one call that is not timed and wakes its threads.
    ///
    /// `progress` receives the number of the round, from 0.
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
                Thread.sleep(forTimeInterval: Self.pause)
                try work()
                let taken = try seconds { for _ in 0..<repeats[index] { try work() } }
                times[index].append(taken / Double(repeats[index]))
            }
        }
        return times.map { times in
            Timing(median: times.median, fastest: times.min() ?? .nan, slowest: times.max() ?? .nan)
        }
    }

    private func seconds(_ work: () throws -> Void) rethrows -> Double {
        let clock = ContinuousClock()
        let taken = try clock.measure(work)
        return taken / .seconds(1)
    }
}

extension [Double] {
    /// The median, of an even number of values the greater of the middle two; not a number if there are none.
    package var median: Double { isEmpty ? .nan : sorted()[count / 2] }
}
