import Foundation

/// The limits that the system sets for this process, as in getrlimit(2).
package enum ResourceLimits {
    /// The greatest number of open file descriptors, connections included; nil if it is unknown.
    package static var openFiles: Int? { limit(RLIMIT_NOFILE).map { Int(clamping: $0.rlim_cur) } }

    /// Raises the limit of open file descriptors to the hard limit, but to at most 65,536; never lowers it.
    ///
    /// A service manager's usual limit of 1,024 is reached with as many connections; then neither the journal nor a
    /// camera could be opened.
    package static func raiseOpenFiles() {
        guard let found = limit(RLIMIT_NOFILE) else { return }
        set(RLIMIT_NOFILE, rlimit(rlim_cur: max(found.rlim_cur, min(found.rlim_max, 65_536)), rlim_max: found.rlim_max))
    }

    /// Sets the size limit of core files to zero, so that a crash writes none.
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
