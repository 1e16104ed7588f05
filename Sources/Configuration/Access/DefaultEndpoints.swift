import Foundation
import SystemSupport

/// Where the sockets are when nothing is said.
extension Configuration {
    /// systemd's runtime directory, the user's, or one of his own in /tmp.
    ///
    /// A runtime directory of another user, as `sudo` may leave it in the environment, is not this one's.
    package static func defaultEndpoint(
        _ name: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> String {
        "ipc://\(runtimeDirectory(environment))/\(name).sock"
    }

    private static func runtimeDirectory(_ environment: [String: String]) -> String {
        // systemd separates several by colons.
        if let first = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first { return String(first) }
        if let directory = environment["XDG_RUNTIME_DIR"], directory.hasPrefix("/"), isOwn(directory) {
            return "\(directory)/watchword"
        }
        return "/tmp/watchword-\(geteuid())"
    }

    /// Whether a directory is this user's alone; one that is missing may yet be.
    private static func isOwn(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return true }
        return status.st_mode & S_IFMT == S_IFDIR && PathTrust.isOwn(status)
    }

    /// A client's default endpoints: of the user's own daemon if there is one, else of the machine's.
    ///
    /// A socket at the user's place that another may have put there counts as none.
    package static func daemonEndpoint(
        _ name: String, environment: [String: String] = ProcessInfo.processInfo.environment,
        machines: String = "/run/watchword"
    ) -> String {
        let own = defaultEndpoint(name, environment: environment)
        let path = String(own.dropFirst("ipc://".count))
        let isOwn = FileManager.default.fileExists(atPath: path) && PathTrust.problem(path) == nil
        let socket = "\(machines)/\(name).sock"
        return !isOwn && FileManager.default.fileExists(atPath: socket) ? "ipc://\(socket)" : own
    }
}
