import Foundation

/// This process's memory, descriptors, threads and CPU time from the kernel, when the value was made.
package struct ProcessStatus {
    package let residentBytes: Double
    package let virtualBytes: Double
    package let openDescriptors: Double
    package let maxDescriptors: Double
    package let threads: Double
    package let processorSeconds: Double
    /// The time at which the process started, in seconds since 1970.
    package let start: Double

    package init() {
        let statm = ProcFile.text("self/statm").split(separator: " ").compactMap { Double($0) }
        virtualBytes = (statm.first ?? 0) * ProcFile.pageSize
        residentBytes = (statm.dropFirst().first ?? 0) * ProcFile.pageSize
        openDescriptors = Double(ProcFile.entries("self/fd").count)
        maxDescriptors = Double(ResourceLimits.openFiles ?? 0)
        let stat = ProcFile.Stat()
        processorSeconds = stat.processorSeconds
        threads = stat[20]
        let boot = ProcFile.text("stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
            .flatMap { Double($0.dropFirst(6)) }
        start = (boot ?? 0) + stat.seconds(22)
    }
}
