import Foundation

/// What the kernel says of this process.
struct ProcessFacts {
    let residentBytes: Double
    let virtualBytes: Double
    let openDescriptors: Double
    let mostDescriptors: Double
    let threads: Double
    let processorSeconds: Double
    /// Seconds since 1970.
    let start: Double

    init() {
        let statm = Self.read("/proc/self/statm").split(separator: " ").compactMap { Double($0) }
        let page = Double(sysconf(Int32(_SC_PAGESIZE)))
        virtualBytes = (statm.first ?? 0) * page
        residentBytes = (statm.dropFirst().first ?? 0) * page
        openDescriptors = Double((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0)
        var limit = rlimit()
        mostDescriptors =
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? Double(limit.rlim_cur) : 0
        // Fields 14, 15, 20 and 22 of proc(5); the second, a name in parentheses, may hold spaces.
        let stat = Self.read("/proc/self/stat")
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ").dropFirst()
            .map { Double($0) ?? 0 }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        func field(_ number: Int) -> Double { fields.count > number - 3 ? fields[number - 3] : 0 }
        processorSeconds = (field(14) + field(15)) / ticks
        threads = field(20)
        let boot = Self.read("/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
            .flatMap { Double($0.dropFirst(6)) }
        start = (boot ?? 0) + field(22) / ticks
    }

    private static func read(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
}

/// How many files and connections a process may have open.
package enum Descriptors {
    /// Raises the limit to what is allowed; a service manager starts with one that is made for programs of the past.
    package static func raise() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 65_536)
        _ = setrlimit(resource, &limit)
    }
}
