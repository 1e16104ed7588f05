import CPlatform
import Concurrency
import Foundation

/// The process's memory: how it is kept, and how much there is; and what else the kernel counts of it.
package enum Memory {
    /// Keeps the allocator to two arenas; call first, before threads are made.
    ///
    /// GStreamer's and Dispatch's threads come and go, and glibc would give each an arena, whose free memory serves no
    /// other: resident memory then creeps (measured on four looped streams: 153 MB and growing, against 144 MB and
    /// flat).
    package static func keepSmall() { ww_limit_arenas(2) }

    /// Gives memory that nothing uses back to the system.
    package static func release() { ww_give_back_memory() }

    /// Does so twice a minute, on a thread of its own, until the task is cancelled.
    ///
    /// After a crowd of connections, or a large import, the allocator would keep it for good.
    package static func keepReleasing() async {
        while (try? await Task.sleep(for: .seconds(30))) != nil { await offPool { release() } }
    }

    /// Resident memory in MB, as the kernel counts it.
    package static var residentMegabytes: Double {
        let pages = ProcFile.text("self/statm").split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
        return pages * ProcFile.pageSize / 1_048_576
    }

    /// The most that has been resident so far, in MB.
    package static var peakMegabytes: Double {
        let line = ProcFile.text("self/status").split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Double($0) } ?? 0)
            / 1024
    }

    /// Threads of the process.
    package static var threads: Int { ProcFile.entries("self/task").count }

    /// Open file descriptors, but for the one that looks.
    package static var openFiles: Int { ProcFile.entries("self/fd").count - 1 }
}
