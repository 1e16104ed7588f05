import Foundation
import SystemSupport

/// Processor time of each thread of this process, from the kernel's scheduler statistics.
struct ThreadTimes {
    /// The seconds of each thread, by its number.
    private let seconds: [String: Double]
    private let names: [String: String]

    /// Reads `/proc/self/task`; threads that end meanwhile are left out.
    static func now() -> ThreadTimes {
        var seconds: [String: Double] = [:]
        var names: [String: String] = [:]
        for thread in ProcFile.entries("self/task") {
            let text = ProcFile.text("self/task/\(thread)/schedstat")
            guard let run = text.split(separator: " ").first.flatMap({ Double($0) }) else { continue }
            seconds[thread] = run / 1e9
            let name = ProcFile.text("self/task/\(thread)/comm")
            names[thread] = name.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        return ThreadTimes(seconds: seconds, names: names)
    }

    /// Sums the seconds since `before` of running threads whose name passes.
    func since(_ before: ThreadTimes, where passes: (String) -> Bool) -> Double {
        seconds.reduce(0) { sum, entry in
            passes(names[entry.key] ?? "") ? sum + entry.value - (before.seconds[entry.key] ?? 0) : sum
        }
    }

    /// Whether a thread belongs to the cooperative pool or to ZeroMQ.
    static func isOther(_ name: String) -> Bool { name.hasSuffix(".default-qos") || name.hasPrefix("ZMQ") }

    /// Whether a thread is GStreamer's: these have many names, while the names of all others are known.
    static func isMedia(_ name: String) -> Bool {
        !(name.contains("-qos") || name.hasPrefix("ZMQ") || name == "watchword" || name == "ww-pool")
    }
}
