import Foundation
import SystemSupport

/// The processor time of each thread of this process, from the kernel's scheduler statistics.
struct ThreadTimes {
    /// The processor time of each thread in seconds, by thread id.
    private let seconds: [String: Double]
    private let names: [String: String]

    /// Reads the times from `/proc/self/task`; threads that end meanwhile are left out.
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

    /// Returns the processor time since `before`, in seconds, of living threads for whose name `passes` is true.
    func since(_ before: ThreadTimes, where passes: (String) -> Bool) -> Double {
        seconds.reduce(0) { sum, entry in
            passes(names[entry.key] ?? "") ? sum + entry.value - (before.seconds[entry.key] ?? 0) : sum
        }
    }

    /// Returns true if a thread of this name belongs to Swift's cooperative pool or to ZeroMQ.
    static func isOther(_ name: String) -> Bool { name.hasSuffix(".default-qos") || name.hasPrefix("ZMQ") }

    /// Returns true if a thread of this name is GStreamer's.
    ///
    /// GStreamer's threads have many names, so they are told apart by not having one of the other threads' known names.
    static func isMedia(_ name: String) -> Bool {
        !(name.contains("-qos") || name.hasPrefix("ZMQ") || name == "watchword" || name == "ww-pool")
    }
}
