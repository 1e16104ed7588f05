import CPlatform
import Concurrency
import Foundation

/// The process's memory, threads and open files as the kernel counts them, and settings of the C memory allocator.
package enum Memory {
    /// Limits glibc's allocator to two arenas; call it before any thread is made.
    ///
    /// GStreamer and Dispatch often start and end threads. glibc would give each thread an arena, whose free memory no
    /// other thread uses, and resident memory would grow (measured with four looped streams: 153 MB and growing,
    /// against 144 MB and constant).
    package static func keepSmall() { ww_limit_arenas(2) }

    /// Returns the allocator's unused memory to the kernel.
    package static func release() { ww_give_back_memory() }

    /// Calls `release` twice a minute on a thread outside the cooperative pool, until the task is cancelled.
    ///
    /// Otherwise the allocator would keep the memory that many connections or a large import have used.
    package static func keepReleasing() async {
        while (try? await Task.sleep(for: .seconds(30))) != nil { await offPool { release() } }
    }

    /// The process's resident memory in MiB.
    package static var residentMegabytes: Double {
        let pages = ProcFile.text("self/statm").split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
        return pages * ProcFile.pageSize / 1_048_576
    }

    /// The process's greatest resident memory so far, in MiB.
    package static var peakMegabytes: Double {
        let line = ProcFile.text("self/status").split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Double($0) } ?? 0)
            / 1024
    }

    /// The number of threads of this process.
    package static var threads: Int { ProcFile.entries("self/task").count }

    /// The number of open file descriptors of this process, without the one that is used to count them.
    package static var openFiles: Int { ProcFile.entries("self/fd").count - 1 }
}
