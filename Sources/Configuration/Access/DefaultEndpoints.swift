import Foundation
import SystemSupport

/// The endpoints of the ZeroMQ sockets if the configuration names none.
extension Configuration {
    /// Returns the endpoint at which the daemon opens a socket by default, such as "ipc:///run/watchword/events.sock".
    ///
    /// The directory is `$RUNTIME_DIRECTORY`, `$XDG_RUNTIME_DIR/watchword` or `/tmp/watchword-UID`. A runtime directory
    /// of another user, which `sudo` may leave in the environment, is not used.
    package static func defaultEndpoint(
        _ name: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> String {
        "ipc://\(runtimeDirectory(environment))/\(name).sock"
    }

    private static func runtimeDirectory(_ environment: [String: String]) -> String {
        // systemd separates several directories by colons.
        if let first = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first { return String(first) }
        if let directory = environment["XDG_RUNTIME_DIR"], directory.hasPrefix("/"), isOwn(directory) {
            return "\(directory)/watchword"
        }
        return "/tmp/watchword-\(geteuid())"
    }

    /// Returns true if only this user can write a directory, or if it does not exist yet.
    private static func isOwn(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return true }
        return status.st_mode & S_IFMT == S_IFDIR && PathTrust.isOwn(status)
    }

    /// Returns the endpoint to which clients connect by default: the user's own daemon, or the system's if there is
    /// none.
    ///
    /// A socket that another user may have put into the user's directory is ignored.
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
