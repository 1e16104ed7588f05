import Foundation

/// Limits that the system sets this process: getrlimit(2).
package enum ResourceLimits {
    /// Files and connections that may be open; nil where the system does not say.
    package static var openFiles: Int? { limit(RLIMIT_NOFILE).map { Int(clamping: $0.rlim_cur) } }

    /// Raises the limit of open files to what the system allows, 65,536 at most; never lowers it.
    ///
    /// A service manager starts with 1,024: gone after as many connections, and then neither the journal nor a camera
    /// can be opened.
    package static func raiseOpenFiles() {
        guard let found = limit(RLIMIT_NOFILE) else { return }
        set(RLIMIT_NOFILE, rlimit(rlim_cur: max(found.rlim_cur, min(found.rlim_max, 65_536)), rlim_max: found.rlim_max))
    }

    /// A crash of this process leaves no core file.
    package static func forbidCoreFiles() { set(RLIMIT_CORE, rlimit(rlim_cur: 0, rlim_max: 0)) }

    private static func limit(_ resource: __rlimit_resource) -> rlimit? {
        var found = rlimit()
        return getrlimit(__rlimit_resource_t(resource.rawValue), &found) == 0 ? found : nil
    }

    private static func set(_ resource: __rlimit_resource, _ new: rlimit) {
        var new = new
        setrlimit(__rlimit_resource_t(resource.rawValue), &new)
    }
}
