import Foundation

/// Files and connections that the process may have open.
package enum Descriptors {
    /// Asks for as many as the system lets us have: 1,024 are gone after as many connections, and then neither the
    /// journal nor a camera can be opened.
    package static func allowMany() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, 65_536))
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
