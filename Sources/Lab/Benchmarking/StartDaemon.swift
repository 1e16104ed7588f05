import Foundation
import Logging
import Watchtower

/// Starts a whole daemon that logs errors alone; the task ends after the daemon was stopped.
func startDaemon(_ configuration: Configuration) async throws -> (daemon: Watchtower, scoring: Task<Void, Never>) {
    var logger = Logger(label: "bench")
    logger.logLevel = .error
    let tower = try await Watchtower(configuration, logger: logger)
    try await tower.begin()
    return (tower, Task { await tower.run() })
}

/// A folder for one run of a benchmark, by the process's number; it is not made yet.
func temporaryFolder() -> URL {
    FileManager.default.temporaryDirectory.appending(
        path: "watchword-bench-\(ProcessInfo.processInfo.processIdentifier)")
}
