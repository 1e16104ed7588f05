package import Logging

/// Sends watchdog messages to systemd as long as the scoring loop answers, and reports the daemon's status.
///
/// A message is sent only if the loop has completed a round on the engine's executor since the last one; a loop without
/// work completes rounds, too. If the loop has ended or is stuck in a plugin, systemd gets no message and restarts the
/// daemon.
package struct Watchdog: Sendable {
    private let notifier: SystemdNotifier
    private let logger: Logger

    package init(_ notifier: SystemdNotifier, logger: Logger) {
        self.notifier = notifier
        self.logger = logger
    }

    /// Sends watchdog messages until the task is cancelled or the loop ends; returns at once if systemd expects none.
    ///
    /// `pulse` returns true when the loop has completed a round, and false when it has ended.
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

    /// Reports the daemon's status to systemd whenever the text changes, until the task is cancelled.
    ///
    /// `status` is asked for the text once each `pause`.
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
