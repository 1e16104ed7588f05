import Daemon
import Foundation
import Logging
import WatchwordConfiguration

/// Starts a daemon in this process that logs only errors; the task ends after the daemon was stopped.
func startDaemon(_ configuration: Configuration) async throws -> (daemon: WatchwordDaemon, scoring: Task<Void, Never>) {
    var logger = Logger(label: "bench")
    logger.logLevel = .error
    let daemon = try await WatchwordDaemon(configuration, logger: logger)
    try await daemon.begin()
    return (daemon, Task { await daemon.run() })
}

/// Returns the path of a temporary folder for one run of a benchmark, named by the process id.
///
/// It does not create the folder.
func temporaryFolder() -> URL {
    FileManager.default.temporaryDirectory.appending(
        path: "watchword-bench-\(ProcessInfo.processInfo.processIdentifier)")
}
