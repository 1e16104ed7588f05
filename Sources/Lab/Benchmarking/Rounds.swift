import Foundation

/// Times several works in turns, so that other load of the machine affects all of them alike.
struct Rounds {
    let count: Int
    /// The seconds that each work runs in a round.
    let slice: Double

    /// The pause before a work, in which the last one's threads fall asleep: OpenBLAS's and oneDNN's spin after a call.
    private static let pause: TimeInterval = 0.04

    /// The seconds of one run: in the median round, the fastest and the slowest.
    struct Timing {
        let median: Double
        let fastest: Double
        let slowest: Double
    }

    /// Times each of `works` once a round, after one uncounted run that wakes its threads.
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
