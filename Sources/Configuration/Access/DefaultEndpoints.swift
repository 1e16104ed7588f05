import Foundation
import SystemSupport

/// The endpoints of the sockets if none are configured.
extension Configuration {
    /// The default endpoint of a socket: in systemd's runtime directory, the user's, or one of the user's in /tmp.
    ///
    /// A runtime directory that belongs to another user, as `sudo` may leave it in the environment, is not used.
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

    /// Whether a directory is private to this user; one that does not exist may become so.
    private static func isOwn(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return true }
        return status.st_mode & S_IFMT == S_IFDIR && PathTrust.isOwn(status)
    }

    /// The endpoint that a client uses by default: of the user's own daemon if there is one, else of the system's.
    ///
    /// A socket in the user's directory that another user may have put there does not count.
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
