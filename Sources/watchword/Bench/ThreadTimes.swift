import Foundation
import SystemSupport

/// Processor time of each thread of this process, as the kernel counts it.
struct ThreadTimes {
    /// Seconds by thread number.
    private let seconds: [String: Double]
    private let names: [String: String]

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

    /// Seconds since `before` of the threads whose name passes and that still run.
    func since(_ before: ThreadTimes, where passes: (String) -> Bool) -> Double {
        seconds.reduce(0) { sum, entry in
            passes(names[entry.key] ?? "") ? sum + entry.value - (before.seconds[entry.key] ?? 0) : sum
        }
    }

    /// Threads of the cooperative pool and of ZeroMQ.
    static func isOther(_ name: String) -> Bool { name.hasSuffix(".default-qos") || name.hasPrefix("ZMQ") }

    /// GStreamer's threads, which name themselves by what they serve; all others of this process are known.
    static func isMedia(_ name: String) -> Bool {
        !(name.contains("-qos") || name.hasPrefix("ZMQ") || name == "watchword" || name == "ww-pool")
    }
}
