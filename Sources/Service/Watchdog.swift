package import Logging

/// Pings systemd's watchdog as long as the scoring loop answers, and reports the daemon's status.
///
/// Each ping requires that the loop has completed a round on the engine's executor since the last one. A daemon without
/// work pings. One whose loop has died or is stuck in a plugin does not, and systemd restarts it.
package struct Watchdog: Sendable {
    private let notifier: Notifier
    private let logger: Logger

    package init(_ notifier: Notifier, logger: Logger) {
        self.notifier = notifier
        self.logger = logger
    }

    /// Sends pings until the task is cancelled or the loop ends; returns at once if systemd expects none.
    ///
    /// `pulse` returns true when the loop has completed a round, or false when it has ended.
    package func ping(pulse: @Sendable () async -> Bool) async {
        guard let interval = notifier.watchdog.map({ $0 / 2 }) else { return }
        let logger = logger
        while !Task.isCancelled {
            let asked = ContinuousClock.now
            let complaint = Task {
                try await Task.sleep(for: interval)
                logger.error("the scoring loop does not answer", metadata: ["seconds": "\(interval / .seconds(1))"])
            }
            let answered = await pulse()
            complaint.cancel()
            guard answered else { return }
            notifier.alive()
            try? await Task.sleep(until: asked + interval)
        }
    }

    /// Reports the status whenever it has changed, until the task is cancelled.
    package func tell(every pause: Duration = .seconds(5), status: @Sendable () async -> String) async {
        var told: String?
        while !Task.isCancelled {
            let text = await status()
            if text != told { notifier.status(text) }
            told = text
            try? await Task.sleep(for: pause)
        }
    }
}
