import CPlatform
import Concurrency
import Foundation

/// The process's memory and other resources, as the kernel counts them, and the allocator's settings.
package enum Memory {
    /// Limits the allocator to two arenas; call it first, before threads are made.
    ///
    /// GStreamer's and Dispatch's threads come and go. glibc would give each an arena, whose free memory no other
    /// thread uses, and resident memory would grow (measured on four looped streams: 153 MB and growing, against 144 MB
    /// and flat).
    package static func keepSmall() { ww_limit_arenas(2) }

    /// Returns unused memory of the allocator to the system.
    package static func release() { ww_give_back_memory() }

    /// Calls `release` twice a minute, on a dedicated thread, until the task is cancelled.
    ///
    /// After many connections, or a large import, the allocator would otherwise keep the memory forever.
    package static func keepReleasing() async {
        while (try? await Task.sleep(for: .seconds(30))) != nil { await offPool { release() } }
    }

    /// The resident memory in MB.
    package static var residentMegabytes: Double {
        let pages = ProcFile.text("self/statm").split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
        return pages * ProcFile.pageSize / 1_048_576
    }

    /// The greatest resident memory so far, in MB.
    package static var peakMegabytes: Double {
        let line = ProcFile.text("self/status").split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Double($0) } ?? 0)
            / 1024
    }

    /// The number of threads of the process.
    package static var threads: Int { ProcFile.entries("self/task").count }

    /// The number of open file descriptors, without the one that is used to count them.
    package static var openFiles: Int { ProcFile.entries("self/fd").count - 1 }
}
